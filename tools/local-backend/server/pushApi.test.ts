// @vitest-environment node
import { ConvexClient } from "convex/browser";
import { expect, test } from "vitest";
import { eventually } from "../testing/eventually.js";
import {
  admin,
  mutation,
  query,
  startUnpushedServer,
  useTestServer,
} from "./testServer.js";

const used = useTestServer();

test("finishing a push deploys it, unless it is a dry run", async () => {
  const { deployment, startPush, finishPush } = used.server;
  deployment.addedComponents = ["workflow"];
  const dry = await finishPush(await startPush({ dryRun: true }), {
    dryRun: true,
  });
  expect(dry.status).toBe(200);
  const started = await startPush({ name: "one" });
  expect(deployment.pushes).toEqual([]);
  const finished = await finishPush(started);
  expect(deployment.pushes).toEqual([{ name: "one" }]);
  expect(await finished.json()).toMatchObject({
    componentDiffs: { workflow: { diffType: { type: "create" } } },
  });
});

test("if another push overtakes a push, the CLI starts it again", async () => {
  const first = await used.server.startPush({ name: "one" });
  const second = await used.server.startPush({ name: "two" });
  const overtaken = await used.server.finishPush(first);
  expect(overtaken.status).toBe(400);
  expect(await overtaken.json()).toMatchObject({ code: "RaceDetected" });
  expect((await used.server.finishPush(second)).status).toBe(200);
  expect(used.server.deployment.pushes).toEqual([{ name: "two" }]);
});

test("an error in a push is reported once", async () => {
  used.server.deployment.analyze = async () => {
    throw new Error("schema.ts: no such table");
  };
  const response = await used.server.post("/api/deploy2/start_push", {}, admin);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    message: "schema.ts: no such table",
  });
});

test("pushing and reading logs require the admin key", async () => {
  for (const path of [
    "get_config_hashes",
    "deploy2/start_push",
    "deploy2/finish_push",
    "deploy2/wait_for_schema",
    "deploy2/evaluate_schema",
    "deploy2/report_push_completed",
  ]) {
    const response = await used.server.post(`/api/${path}`, {});
    expect(response.status, path).toBe(403);
  }
  const logs = await used.server.request("/api/stream_function_logs?cursor=0");
  expect(logs.status).toBe(403);
});

test("before the first push, requests are refused and subscribers wait, and each push makes subscriptions run again", async () => {
  const unpushed = await startUnpushedServer();
  unpushed.deployment.functions["a:b"] = () => "pushed";
  const refused = await unpushed.post("/api/query", { path: "a:b" });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ code: "NothingPushed" });

  const client = new ConvexClient(unpushed.url, { logger: false });
  const seen: unknown[] = [];
  client.onUpdate(query("a:b"), {}, (value) => void seen.push(value));
  const mutated = client.mutation(mutation("a:b"), {});
  await eventually(() => client.connectionState().isWebSocketConnected).toBe(
    true,
  );
  expect(unpushed.deployment.calls).toEqual([]);
  await unpushed.finishPush(await unpushed.startPush({}));
  expect(await mutated).toBe("pushed");
  expect(seen).toEqual(["pushed"]);
  unpushed.deployment.functions["a:b"] = () => "pushed again";
  await unpushed.finishPush(await unpushed.startPush({}));
  await eventually(() => seen).toEqual(["pushed", "pushed again"]);
  await client.close();
  await unpushed.close();
});
