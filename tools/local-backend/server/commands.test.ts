// @vitest-environment node
/** What the real CLI and clients can do with the example on a local server, besides its workflows. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { internal } from "../../../example/convex/_generated/api.js";
import { EXAMPLE, ROOT } from "../../paths.mjs";
import { convex, startConvex } from "../testing/devProcess.js";
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

test("internal functions are closed to clients without the admin key", async () => {
  const { url } = example;
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
    expect(String(reason)).toMatch(/Could not find public function/);
  }
  await socket.mutation(mutation("notes:add"), { text: "from a stranger" });
  expect(await stranger.query(query("notes:list"))).toContain(
    "from a stranger",
  );
  await socket.close();
});

test("an unknown function ends `convex run` with the functions there are", async () => {
  const { app } = example;
  const { code, output } = await convex(app, "run", "example:nothing");
  expect(code).toBe(1);
  expect(output).toContain("Could not find function for 'example:nothing'");
  expect(output).toContain("Available functions:");
  expect(output).toContain("example:status");
  // Its validator has a field that WatchedQuery once took for an error's.
  expect(output).toContain("notes:job");
});

test("the component is configured by the CLI, and its logs arrive in both terminals", async () => {
  const { app, dev, runInCli } = example;
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
  const component = ["--component", "workflow"] as const;
  expect(await runInCli("utils:recover", {}, ...component)).toBe(0);
});

test("the CLI sets, lists and removes environment variables, which functions see", async () => {
  const { app, siteUrl } = example;
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
  const { app, client } = example;
  await client.mutation(mutation("notes:add"), { text: "shown by the CLI" });
  const tables = await convex(app, "data");
  expect(tables.output).toMatch(/^greetings$/m);
  const ofComponent = await convex(app, "data", "--component", "workflow");
  expect(ofComponent.output).toMatch(/^steps$/m);
  const rows = await convex(app, "data", "greetings", "--limit", "1");
  expect(rows.output).toContain("shown by the CLI");
});

test("an HTTP action is served at the site's URL", async () => {
  const { siteUrl, client } = example;
  await client.mutation(mutation("notes:add"), { text: "by HTTP" });
  const response = await fetch(`${siteUrl}/notes`);
  expect(response.status).toBe(200);
  const { notes } = (await response.json()) as { notes: string[] };
  expect(notes).toContain("by HTTP");
  expect((await fetch(`${siteUrl}/nothing`)).status).toBe(404);
});

test("a function's own output comes back with its call", async () => {
  const { app } = example;
  const { output } = await convex(
    app,
    ...["run", "notes:add", JSON.stringify({ text: "printed" })],
  );
  expect(output).toContain("[LOG] 'adding' { text: 'printed' }");
});

test("codegen of the app writes what is committed, and that of the component runs", async () => {
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
