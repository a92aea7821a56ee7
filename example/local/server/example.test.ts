// @vitest-environment node
/** The example on a local server, pushed and called by the real CLI and clients. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { WorkflowStatus } from "@convex-dev/workflow";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import type { FunctionReference } from "convex/server";
import { WebSocket } from "ws";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api.js";
import { EXAMPLE, ROOT } from "../../tools/paths.mjs";
import { copyExample } from "../testing/appCopy.js";
import {
  convex,
  killLeftovers,
  startConvex,
  startPushedDev,
  type TestProcess,
} from "../testing/devProcess.js";
import { eventually } from "../testing/eventually.js";
import { mutation, query } from "./testServer.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let app: string;
let removeApp: () => Promise<void>;
let dev: TestProcess;
let url: string;
let siteUrl: string;
let adminKey: string;
let http: ConvexHttpClient;
let client: ConvexClient;

beforeAll(async () => {
  ({ app, remove: removeApp } = await copyExample());
  ({ dev, url, siteUrl, adminKey } = await startPushedDev(app));
  http = new ConvexHttpClient(url, { logger: false });
  client = new ConvexClient(url, { logger: false });
  (http as any).setAdminAuth(adminKey);
  (client.client as any).setAdminAuth(adminKey);
});
afterAll(async () => {
  await client?.close();
  await dev?.stop();
  killLeftovers();
  await removeApp?.();
});

/** What `npx convex run` prints as the function's result. */
async function runInCli(path: string, args: object, ...options: string[]) {
  const json = JSON.stringify(args);
  const cli = startConvex(app, "run", ...options, path, json);
  expect(await cli.exits(), cli.output).toBe(0);
  return cli.stdout === "" ? null : JSON.parse(cli.stdout);
}

type StatusQuery = FunctionReference<
  "query",
  "internal",
  { workflowId: any },
  WorkflowStatus
>;

/** Subscribes to a run's status until the test is over. */
function watchStatus(status: StatusQuery, workflowId: string) {
  const seen: WorkflowStatus[] = [];
  // An app subscribes to public functions; the admin key opens this one.
  const unsubscribe = client.onUpdate(
    status as any,
    { workflowId } as any,
    (update: any) => void seen.push(update),
    // Of a run that was cleaned up.
    () => {},
  );
  onTestFinished(() => unsubscribe());
  return {
    seen,
    until: async (expected: object) => {
      await eventually(() => seen.at(-1)).toMatchObject(expected);
    },
  };
}

function call(
  reference: FunctionReference<"mutation", "internal">,
  args: object,
) {
  return http.mutation(reference as any, args as any);
}

test("a workflow is started by the CLI and watched to its end by ConvexClient", async () => {
  const workflowId = await runInCli("example:exampleWorkflow", {
    args: { exampleArg: "James", sleepMs: 100 },
  });
  const status = watchStatus(internal.example.status, workflowId);
  await status.until({ type: "completed", result: "Hello, James!" });

  const greetings = await http.query(query("notes:list"));
  expect(greetings).toContain("Hello, James!");
});

test("`convex run --watch` prints a run's progress", async () => {
  const workflowId = await call(internal.approval.start, { title: "Lamp" });
  const watch = startConvex(
    app,
    ...["run", "--watch", "approval:status"],
    JSON.stringify({ workflowId }),
  );
  await watch.prints('"inProgress"');
  await call(internal.approval.decide, { workflowId, approved: true });
  await watch.prints('"completed"');
  await watch.stop("SIGTERM");
});

test("an approval waits for its event, and ConvexReactClient sees it decided", async () => {
  const workflowId = await call(internal.approval.start, { title: "Chair" });
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
  await eventually(() => seen.at(-1)?.running?.[0]?.kind).toBe("event");

  await runInCli("approval:decide", { workflowId, approved: true });
  await eventually(() => seen.at(-1)).toMatchObject({
    type: "completed",
    result: "approved",
  });
  await react.close();
});

test("a run is canceled, restarted, decided and cleaned up", async () => {
  const workflowId = await call(internal.approval.start, { title: "Desk" });
  const status = watchStatus(internal.approval.status, workflowId);
  await status.until({ type: "inProgress", running: [{ kind: "event" }] });
  await runInCli("approval:cancel", { workflowId });
  await status.until({ type: "canceled" });
  await runInCli("approval:restart", { workflowId });
  await status.until({ type: "inProgress", running: [{ kind: "event" }] });
  await call(internal.approval.decide, { workflowId, approved: false });
  await status.until({ type: "completed", result: "rejected" });

  expect(await runInCli("approval:cleanup", { workflowId })).toBe(true);
  const afterwards = http.query(
    internal.approval.status as any,
    {
      workflowId,
    } as any,
  );
  await expect(afterwards).rejects.toThrow(workflowId);
});

test("a parent runs its children, and restarts one of them", async () => {
  const workflowId = await runInCli("trip:start", {
    city: "Lisbon",
    nights: 3,
    confirmAfterMs: 100,
  });
  const status = watchStatus(internal.trip.status, workflowId);
  await status.until({ type: "completed", result: { total: 360 } });
  const updates = status.seen.length;
  await call(internal.trip.restart, { workflowId });
  await eventually(() =>
    status.seen.slice(updates).some(({ type }) => type === "inProgress"),
  ).toBe(true);
  await status.until({ type: "completed", result: { total: 360 } });
});

test("a canceled parent cancels its children", async () => {
  const workflowId = await call(internal.trip.start, {
    city: "Oslo",
    nights: 1,
    confirmAfterMs: 3_600_000,
  });
  const status = watchStatus(internal.trip.status, workflowId);
  let child: any;
  await eventually(() => {
    const latest: any = status.seen.at(-1);
    child = latest?.running?.find((step: any) =>
      step.name.endsWith("bookHotel"),
    )?.workflowId;
    return child;
  }).toBeTypeOf("string");
  const childStatus = watchStatus(internal.trip.status, child);
  await call(internal.trip.cancel, { workflowId });
  await status.until({ type: "canceled" });
  await childStatus.until({ type: "canceled" });
});

test("internal functions are closed to clients without the admin key", async () => {
  const stranger = new ConvexHttpClient(url, { logger: false });
  const socket = new ConvexClient(url, { logger: false });
  const args = { name: "x", text: "y" };
  const calls = await Promise.allSettled([
    stranger.mutation(internal.example.save as any, args as any),
    socket.mutation(internal.example.save as any, args as any),
    stranger.query(
      internal.example.countGreetings as any,
      { name: "x" } as any,
    ),
  ]);
  for (const { status, reason } of calls as PromiseRejectedResult[]) {
    expect(status).toBe("rejected");
    expect(String(reason)).toMatch(/Could not find (public )?function/);
  }
  await socket.mutation(mutation("notes:add"), { text: "from a stranger" });
  expect(await stranger.query(query("notes:list"))).toContain(
    "from a stranger",
  );
  await socket.close();
});

test("an unknown function ends `convex run` with the functions there are", async () => {
  const { code, output } = await convex(app, "run", "example:nothing");
  expect(code).toBe(1);
  expect(output).toContain("Could not find function for 'example:nothing'");
  expect(output).toContain("Available functions:");
  expect(output).toContain("example:status");
});

test("the component is configured by the CLI, and its logs arrive in both terminals", async () => {
  const logs = startConvex(app, "logs");
  await logs.prints("Watching logs");
  await runInCli(
    "utils:updateConfig",
    { maxParallelism: 50, logLevel: "INFO" },
    ...["--component", "workflow"],
  );
  const workflowId = await runInCli("example:start", {
    exampleArg: "Cleo",
    sleepMs: 10,
  });
  const line = new RegExp(
    `"completed".*${workflowId}|${workflowId}.*"completed"`,
  );
  await logs.prints(line);
  await dev.prints(line);
  await logs.stop("SIGTERM");
});

test("the CLI sets, lists and removes environment variables, which functions see", async () => {
  const env = (...args: string[]) => convex(app, "env", ...args);
  const notes = async () => (await fetch(`${siteUrl}/notes`)).json();
  expect((await env("list")).output).toContain("No environment variables set");
  expect(await env("set", "MOOD", "good")).toMatchObject({ code: 0 });
  expect((await env("get", "MOOD")).output).toContain("good");
  expect((await env("list", "--include-values")).output).toContain("MOOD=good");
  expect(await notes()).toMatchObject({ site: siteUrl, mood: "good" });
  expect(await env("remove", "MOOD")).toMatchObject({ code: 0 });
  expect((await env("get", "MOOD")).output).toContain("not found");
  const refused = await env("set", "CONVEX_SITE_URL", "x");
  expect(refused.code).toBe(1);
  expect(refused.output).toContain("is set by the deployment");
});

test("the CLI shows tables and documents", async () => {
  await client.mutation(mutation("notes:add"), { text: "shown by the CLI" });
  const tables = await convex(app, "data");
  expect(tables.output).toMatch(/^greetings$/m);
  const ofComponent = await convex(app, "data", "--component", "workflow");
  expect(ofComponent.output).toMatch(/^steps$/m);
  const rows = await convex(app, "data", "greetings", "--limit", "1");
  expect(rows.output).toContain("shown by the CLI");
});

test("an HTTP action is served at the site's URL", async () => {
  await client.mutation(mutation("notes:add"), { text: "by HTTP" });
  const response = await fetch(`${siteUrl}/notes`);
  expect(response.status).toBe(200);
  const { notes } = (await response.json()) as { notes: string[] };
  expect(notes).toContain("by HTTP");
  expect((await fetch(`${siteUrl}/nothing`)).status).toBe(404);
});

test("a function's own output comes back with its call", async () => {
  const { output } = await convex(
    app,
    ...["run", "notes:add", JSON.stringify({ text: "printed" })],
  );
  expect(output).toContain("[LOG] 'adding' { text: 'printed' }");
});

test("codegen of the app writes what is committed, and that of the component runs", async () => {
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
