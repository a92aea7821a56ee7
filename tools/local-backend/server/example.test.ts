// @vitest-environment node
/** The example on a local server, run by the real CLI and clients. The demo's tests run the rest of its workflows. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { WorkflowId } from "@convex-dev/workflow";
import { ConvexReactClient } from "convex/react";
import { WebSocket } from "ws";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { internal } from "../../../example/convex/_generated/api.js";
import { EXAMPLE, ROOT } from "../../paths.mjs";
import { convex, startConvex } from "../testing/devProcess.js";
import { eventually } from "../testing/eventually.js";
import {
  startExample,
  type RunningExample,
} from "../testing/runningExample.js";
import { mutation, query } from "./testServer.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let example: RunningExample;
beforeAll(async () => {
  example = await startExample();
});
afterAll(() => example?.stop());

const completed = (result: unknown) => ({ type: "completed", result });
const WAITS = { type: "inProgress", running: [{ kind: "event" }] };

test("the CLI configures the component and starts a workflow, whose logs arrive in both terminals, and whose end reaches ConvexClient", async () => {
  const { app, dev, http, runInCli, watchStatus } = example;
  const component = ["--component", "workflow"];
  const logs = startConvex(app, "logs");
  await logs.prints("Watching logs");
  const config = { maxParallelism: 50, logLevel: "INFO" };
  await runInCli("utils:updateConfig", config, ...component);
  const workflowId = await runInCli("example:exampleWorkflow", {
    args: { exampleArg: "James", sleepMs: 100 },
  });
  const status = watchStatus(internal.example.status, workflowId);
  await status.until(completed("Hello, James!"));
  expect(await http.query(query("notes:list"))).toContain("Hello, James!");

  const line = new RegExp(
    `"completed".*${workflowId}|${workflowId}.*"completed"`,
  );
  await logs.prints(line);
  await dev.prints(line);
  await logs.stop("SIGTERM");
  expect(await runInCli("utils:recover", {}, ...component)).toBe(0);
});

test("many parallel steps, a step in Node, and steps that wait for events bring runs to their ends", async () => {
  const { call, http, watchStatus } = example;
  const { batch, booking, onboarding, signals } = internal;
  const questions = ["Tea or coffee?"];
  const ids = {
    batch: await call(batch.start, { count: 20 }),
    hashing: await call(mutation("hashing:start") as never, { text: "x" }),
    onboarding: await call(onboarding.start, { name: "Ada", dayMs: 50 }),
    booking: await call(booking.start, { items: ["flight"] }),
    signals: await call(signals.start, { questions }),
  };
  const workflowId = ids.signals;
  await watchStatus(signals.status, workflowId).until(WAITS);
  const open = signals.open as never;
  const { answerId } = await http.query(open, { workflowId } as never);
  await call(signals.answer, { answerId, text: "Tea" });
  await call(booking.pay, { workflowId: ids.booking });
  await call(onboarding.verifyEmail, { workflowId: ids.onboarding });
  for (const [name, result] of Object.entries({
    batch: { saved: 16, skipped: 4 },
    hashing: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    onboarding: { rounds: 2 },
    booking: { booked: true },
    signals: ["Tea"],
  })) {
    const id: WorkflowId = ids[name as keyof typeof ids];
    const status = watchStatus(query(`${name}:status`), id);
    await status.until(completed(result));
  }
});

test("an approval waits for its event, and `convex run --watch` and ConvexReactClient see it decided", async () => {
  const { app, url, adminKey, runInCli, call } = example;
  const workflowId = await call(internal.approval.start, { title: "Chair" });
  const watching = startConvex(
    app,
    ...["run", "--watch", "approval:status"],
    JSON.stringify({ workflowId }),
  );
  const react = new ConvexReactClient(url, {
    logger: false,
    webSocketConstructor: WebSocket as any,
  });
  (react as any).setAdminAuth(adminKey);
  const watch = react.watchQuery(internal.approval.status as any, {
    workflowId,
  });
  const seen: any[] = [];
  watch.onUpdate(() => seen.push(watch.localQueryResult()));
  await eventually(() => seen.at(-1)).toMatchObject(WAITS);
  await watching.prints('"inProgress"');

  await runInCli("approval:decide", { workflowId, approved: true });
  await eventually(() => seen.at(-1)).toMatchObject(completed("approved"));
  await watching.prints('"completed"');
  await watching.stop("SIGTERM");
  await react.close();
});

test("`convex run` of an unknown function ends with the functions there are", async () => {
  const { code, output } = await convex(example.app, "run", "example:nothing");
  expect(code).toBe(1);
  expect(output).toContain("Could not find function for 'example:nothing'");
  expect(output).toContain("Available functions:");
  expect(output).toContain("example:status");
  // Its validator has a field that WatchedQuery once took for an error's.
  expect(output).toContain("notes:job");
});

test("the CLI sets, lists and removes environment variables, which an HTTP action at the site's URL sees", async () => {
  const { app, siteUrl } = example;
  const env = (...args: string[]) => convex(app, "env", ...args);
  const notes = async () => (await fetch(`${siteUrl}/notes`)).json();
  expect((await env("list")).output).toContain("No environment variables set");
  expect(await env("set", "MOOD", "good")).toMatchObject({ code: 0 });
  expect((await env("list", "--include-values")).output).toContain("MOOD=good");
  expect(await notes()).toMatchObject({ site: siteUrl, mood: "good" });
  expect(await env("remove", "MOOD")).toMatchObject({ code: 0 });
  expect((await env("get", "MOOD")).output).toContain("not found");
  const refused = await env("set", "CONVEX_SITE_URL", "x");
  expect(refused.code).toBe(1);
  expect(refused.output).toContain("is set by the deployment");
});

test("`convex run` prints a function's own output, the CLI shows tables and documents, and the site serves them", async () => {
  const { app, siteUrl } = example;
  const text = JSON.stringify({ text: "added by the CLI" });
  const { output } = await convex(app, "run", "notes:add", text);
  expect(output).toContain("[LOG] 'adding' { text: 'added by the CLI' }");
  const tables = await convex(app, "data");
  expect(tables.output).toMatch(/^greetings$/m);
  const ofComponent = await convex(app, "data", "--component", "workflow");
  expect(ofComponent.output).toMatch(/^steps$/m);
  const rows = await convex(app, "data", "greetings", "--limit", "1");
  expect(rows.output).toContain("added by the CLI");
  const response = await fetch(`${siteUrl}/notes`);
  expect(response.status).toBe(200);
  const { notes } = (await response.json()) as { notes: string[] };
  expect(notes).toContain("added by the CLI");
  expect((await fetch(`${siteUrl}/nothing`)).status).toBe(404);
});

test("codegen of the app writes the committed files, and codegen of the component runs", async () => {
  const { app } = example;
  const generated = "convex/_generated/server.d.ts";
  const appCodegen = await convex(app, "codegen", "--typecheck", "disable");
  expect(appCodegen.code, appCodegen.output).toBe(0);
  expect(await readFile(path.join(app, generated), "utf8")).toBe(
    await readFile(path.join(EXAMPLE, generated), "utf8"),
  );
  const ofComponent = await convex(
    app,
    ...["codegen", "--component-dir", path.join(ROOT, "src/component")],
    ...["--dry-run", "--typecheck", "disable"],
  );
  expect(ofComponent.code, ofComponent.output).toBe(0);
});
