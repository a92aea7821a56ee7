// @vitest-environment node
import { ConvexClient } from "convex/browser";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../testing/eventually.js";
import {
  admin,
  mutation,
  query,
  startTestServer,
  startUnpushedServer,
  type TestServer,
} from "./testServer.js";

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

test("finishing a push deploys it", async () => {
  server.deployment.addedComponents = ["workflow"];
  const started = await server.startPush({ name: "one" });
  expect(server.deployment.pushes).toEqual([]);
  const finished = await server.finishPush(started);
  expect(server.deployment.pushes).toEqual([{ name: "one" }]);
  expect(await finished.json()).toMatchObject({
    componentDiffs: { workflow: { diffType: { type: "create" } } },
  });
});

test("a dry run deploys nothing", async () => {
  const started = await server.startPush({ dryRun: true });
  const finished = await server.finishPush(started, { dryRun: true });
  expect(finished.status).toBe(200);
  expect(server.deployment.pushes).toEqual([]);
});

test("if another push overtakes a push, the CLI starts it again", async () => {
  const first = await server.startPush({ name: "one" });
  const second = await server.startPush({ name: "two" });
  const overtaken = await server.finishPush(first);
  expect(overtaken.status).toBe(400);
  expect(await overtaken.json()).toMatchObject({ code: "RaceDetected" });
  expect((await server.finishPush(second)).status).toBe(200);
  expect(server.deployment.pushes).toEqual([{ name: "two" }]);
});

test("an error in a push is reported once", async () => {
  server.deployment.analyze = async () => {
    throw new Error("schema.ts: no such table");
  };
  const response = await server.post("/api/deploy2/start_push", {}, admin);
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
    const response = await server.post(`/api/${path}`, {});
    expect(response.status, path).toBe(403);
  }
  const logs = await server.request("/api/stream_function_logs?cursor=0");
  expect(logs.status).toBe(403);
});

test("a push makes subscriptions run again", async () => {
  server.deployment.functions["a:b"] = () => "old";
  const client = new ConvexClient(server.url, { logger: false });
  const seen: unknown[] = [];
  client.onUpdate(query("a:b"), {}, (value) => void seen.push(value));
  await eventually(() => seen).toEqual(["old"]);
  server.deployment.functions["a:b"] = () => "new";
  await server.finishPush(await server.startPush({}));
  await eventually(() => seen).toEqual(["old", "new"]);
  await client.close();
});

test("before the first push, requests are refused and subscribers wait", async () => {
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
  await client.close();
  await unpushed.close();
});
