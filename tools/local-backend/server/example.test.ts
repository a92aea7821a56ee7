// @vitest-environment node
/** The workflows of the example on a local server, run by the real CLI and clients. */
import type { WorkflowId } from "@convex-dev/workflow";
import { ConvexReactClient } from "convex/react";
import { WebSocket } from "ws";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { internal } from "../../../example/convex/_generated/api.js";
import { startConvex } from "../testing/devProcess.js";
import { eventually } from "../testing/eventually.js";
import {
  startExample,
  type RunningExample,
} from "../testing/runningExample.js";
import { query } from "./testServer.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let example: RunningExample;
beforeAll(async () => {
  example = await startExample();
});
afterAll(() => example?.stop());

test("a workflow is started by the CLI and watched to its end by ConvexClient", async () => {
  const { http, runInCli, watchStatus } = example;
  const workflowId = await runInCli("example:exampleWorkflow", {
    args: { exampleArg: "James", sleepMs: 100 },
  });
  const status = watchStatus(internal.example.status, workflowId);
  await status.until({ type: "completed", result: "Hello, James!" });

  const greetings = await http.query(query("notes:list"));
  expect(greetings).toContain("Hello, James!");
});

test.each([
  ["fanOut", {}, { sales: 3100, best: "Barcelona" }],
  ["transcription", { file: "a.mp3", outages: 1 }, /second 0.* second 120/],
  ["batch", { count: 20 }, { saved: 16, skipped: 4 }],
  ["race", { flight: "LIS-OSL" }, { provider: "Swift", price: 180 }],
  [
    "subscription",
    { customer: "Ada", months: 2, monthMs: 100 },
    { renewals: 2 },
  ],
  [
    "booking",
    { items: ["flight", "car"], soldOut: "car" },
    { booked: false, why: "No car is left" },
  ],
  // Its step has "use node".
  [
    "hashing",
    { text: "x" },
    "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
  ],
])("%s is run to its end", async (name, args, result) => {
  const { runInCli, watchStatus } = example;
  const workflowId = await runInCli(`${name}:start`, args);
  const status = watchStatus(query(`${name}:status`), workflowId);
  const expected =
    result instanceof RegExp
      ? (expect.stringMatching(result) as unknown)
      : result;
  await status.until({ type: "completed", result: expected });
});

test("events bring runs to their ends", async () => {
  const { runInCli, watchStatus } = example;
  const ada = await runInCli("onboarding:start", { name: "Ada", dayMs: 50 });
  const booking = await runInCli("booking:start", { items: ["flight"] });
  const questions = ["Tea or coffee?"];
  const signals = await runInCli("signals:start", { questions });
  const waits = { running: [{ kind: "event" }] };
  await watchStatus(query("signals:status"), signals).until(waits);
  const { answerId } = await runInCli("signals:open", { workflowId: signals });

  await runInCli("signals:answer", { answerId, text: "Tea" });
  await runInCli("booking:pay", { workflowId: booking });
  await runInCli("onboarding:verifyEmail", { workflowId: ada });
  for (const [name, workflowId, result] of [
    ["signals", signals, ["Tea"]],
    ["booking", booking, { booked: true }],
    ["onboarding", ada, { rounds: 2 }],
  ] as [string, WorkflowId, object][])
    await watchStatus(query(`${name}:status`), workflowId).until({
      ...{ type: "completed", result },
    });
});

test("welcome is run into its sleep of a day, and canceled", async () => {
  const { runInCli, watchStatus } = example;
  const workflowId = await runInCli("welcome:signUp", { name: "Ada" });
  const status = watchStatus(query("welcomes:status"), workflowId);
  await status.until({ running: [{ kind: "sleep" }] });
  await runInCli("welcomes:cancel", { workflowId });
  await status.until({ type: "canceled" });
});

test("`convex run --watch` prints a run's progress", async () => {
  const { app, call } = example;
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
  const { url, adminKey, runInCli, call } = example;
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
  const { http, runInCli, call, watchStatus } = example;
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
  const { runInCli, call, watchStatus } = example;
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
  const { call, watchStatus } = example;
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
