// @vitest-environment node
import { describe, expect, test } from "vitest";
import type { WorkflowHistory } from "@convex-dev/workflow";
import { replayHistory } from "@convex-dev/workflow/test";
import { startBackend } from "./testing/backend.js";
import { patched } from "./testing/handlersApp/convex/operating.js";

// Start options and operating functions under the platform's rules, with conflicts and real scheduled functions.

const APP = "tools/local-backend/testing/handlersApp";
const MINUTE = 60_000;

async function started(options: Record<string, string | number>) {
  const backend = await startBackend(APP);
  const id = (await backend.run("operating:start", options)) as string;
  const status = () => backend.run("operating:statusOf", { id });
  const tasks = () => backend.column("tasks", "kind", "workflow");
  return { ...backend, id, status, tasks };
}

describe("on the local backend", () => {
  test("a deadline fails its run and leaves no work behind", async () => {
    const { clock, status, tasks } = await started({ name: "waits" });
    await clock.advance(9 * MINUTE);
    expect(await status()).toMatchObject({ type: "inProgress" });
    await clock.advance(MINUTE + 1000);
    expect(await status()).toMatchObject({
      type: "failed",
      error: expect.stringContaining("did not end within 600000 ms") as string,
    });
    expect(await tasks()).toEqual([]);
  });

  test("a deadline that coincides with the run's end ends it once, and cleanup follows despite conflicts", async () => {
    const faults = { conflictRate: 0.6 };
    const { run, clock, column } = await startBackend(APP, { seed: 7, faults });
    await run("operating:note", { key: "up" });
    const count = 10;
    await run("operating:startNoted", { name: "races", count });
    await clock.advance(20 * MINUTE);
    const kinds = async () => {
      const results = await column("workflows", "runResult", "workflow");
      return (results as { kind: string }[]).map(({ kind }) => kind);
    };
    const ends = (await kinds()).map((kind, index) => `run ${index} ${kind}`);
    expect(ends.join()).toMatch(/success.*failed|failed.*success/);
    const noted = await column("effects", "value");
    expect(noted.sort()).toEqual(["up", ...ends].sort());
    // Completed runs are kept for an hour, the others until somebody cleans them up.
    await clock.advance(90 * MINUTE);
    expect(new Set(await kinds())).toEqual(new Set(["failed"]));
    expect(await column("tasks", "kind", "workflow")).toEqual([]);
  });

  test("a run takes the new branch of a patch, and its history replays", async () => {
    const { run, clock, column } = await startBackend(APP);
    const args = { name: "patched" };
    const id = (await run("operating:start", args)) as string;
    await clock.advance(5000);
    expect(await run("operating:statusOf", { id })).toMatchObject({
      type: "completed",
      result: ["a true", "b true"],
    });
    expect((await column("effects", "value")).sort()).toEqual(["a", "b"]);
    const history = (await run("operating:historyOf", {
      id,
    })) as WorkflowHistory;
    expect(await replayHistory(patched, history)).toMatchObject({
      kind: "ok",
      reached: 6,
    });
  });

  test("concurrent starts with one key start one run or replace each other, and a default export's run is found by its reference", async () => {
    const { run, column } = await startBackend(APP);
    const together = { count: 8, key: "order 1" };
    expect(await run("operating:startTogether", together)).toBe(1);
    expect(await column("workflows", "key", "workflow")).toEqual(["order 1"]);
    const replacing = { ...together, ifRunning: "replace" };
    expect(await run("operating:startTogether", replacing)).toBe(8);
    const results = await column("workflows", "runResult", "workflow");
    expect(results).toHaveLength(9);
    expect(results.filter((result) => result === undefined)).toHaveLength(1);
    expect(await run("defaults:startAndFind")).toEqual({
      isOne: true,
      names: ["defaults"],
    });
  });

  test("a run with a later start ends after it, and is cleaned up an hour later", async () => {
    const options = { name: "ends", runAfter: 5 * MINUTE };
    const { clock, status, column, tasks } = await started(options);
    await clock.advance(4 * MINUTE);
    expect(await status()).toMatchObject({ type: "inProgress" });
    await clock.advance(MINUTE + 1000);
    expect(await status()).toMatchObject({ type: "completed" });
    await clock.advance(59 * MINUTE);
    expect(await status()).toMatchObject({ type: "completed" });
    await clock.advance(2 * MINUTE);
    expect(await column("workflows", "name", "workflow")).toEqual([]);
    expect(await tasks()).toEqual([]);
  });

  test("attempts are listed, and restartMany and retryOnComplete repeat each failure once", async () => {
    const { run, clock, column, ids, counts } = await allFailed();
    expect(await counts()).toMatchObject({ failed: COUNT, completed: 0 });
    expect(await run("operating:attemptsOf", { id: ids[0]! })).toEqual([
      { name: "operating:note", errors: [null] },
      {
        name: "operating:charge",
        errors: Array(2).fill(expect.stringContaining("declined")),
      },
    ]);
    await run("operating:note", { key: "up" });
    expect(await run("operating:retryEnds")).toBe(COUNT);
    expect(await run("operating:restartAll")).toEqual({
      done: COUNT,
      cursor: null,
    });
    await clock.advance(MINUTE);
    expect(await counts()).toMatchObject({ failed: 0, completed: COUNT });
    const keys = (await column("effects", "value")) as string[];
    const ends = ids.flatMap((_, index) => [
      `run ${index} failed`,
      `run ${index} success`,
    ]);
    const reserved = Array<string>(COUNT).fill("reserved");
    expect(keys.sort()).toEqual([...reserved, ...ends, "up"]);
    expect(await run("operating:retryEnds")).toBe(0);
  });
});

const COUNT = 6;

/** Starts runs that fail until the test notes "up". */
async function allFailed() {
  const { run, ...backend } = await startBackend(APP);
  const charges = { name: "charges", count: COUNT };
  const ids = (await run("operating:startNoted", charges)) as string[];
  await backend.clock.advance(MINUTE);
  const counts = () => run("operating:counts");
  return { ...backend, run, ids, counts };
}

describe("the console on the local backend", () => {
  const identity = { tokenIdentifier: "of the operator" };
  const caller = { identity } as never;
  const paginationOpts = { numItems: 50, cursor: null };

  test("its functions are public, but authorize can deny them", async () => {
    const { id, run, failure, clock } = await started({ name: "waits" });
    const denied = (path: string, args: object, who: object) =>
      failure(`console:${path}`, args as never, { caller: who as never });
    const workflowId = id;
    const calls = {
      listRuns: { paginationOpts },
      getRun: { workflowId },
      listSteps: { workflowId, paginationOpts },
      stats: {},
      cancel: { workflowIds: [id] },
      restart: { workflowIds: [id] },
      cleanup: { workflowIds: [id] },
      sendEvent: { workflowId, name: "go" },
    };
    for (const [path, args] of Object.entries(calls))
      expect(await denied(path, args, {})).toContain(
        `Not authorized to call ${path} of this console.`,
      );
    expect(await denied("cleanup", calls.cleanup, { identity })).toContain(
      "Not authorized",
    );
    expect(await run("operating:statusOf", { id })).toMatchObject({
      type: "inProgress",
    });
    const listed = await run("console:listRuns", calls.listRuns, { caller });
    expect(listed).toMatchObject({ page: [{ workflowId: id }] });
    await run("console:sendEvent", calls.sendEvent, { caller });
    await clock.advance(1000);
    expect(await run("console:stats", {}, { caller })).toMatchObject({
      counts: { completed: 1, inProgress: 0 },
      names: ["operating:waits"],
    });
  });

  test("it shows the failed step with its attempts, and restarts runs until all have completed", async () => {
    const { run, clock, ids, counts } = await allFailed();
    const workflowId = ids[0]!;
    const failed = await run("console:getRun", { workflowId }, { caller });
    expect(failed).toMatchObject({
      status: "failed",
      steps: { count: 2, inFlight: 0 },
      failedAt: { stepNumber: 1 },
    });
    const step = { workflowId, paginationOpts, step: 1 };
    expect(await run("console:listSteps", step, { caller })).toMatchObject({
      page: [{ stepNumber: 1, attempts: [{}, {}], args: {} }],
    });
    await run("operating:note", { key: "up" });
    let left = [...ids, "no id"];
    let done = 0;
    const failures: { workflowId: string }[] = [];
    while (left.length > 0) {
      const asked = { workflowIds: left, fromFailure: true };
      const result = (await run("console:restart", asked, {
        caller,
      })) as unknown as { done: number; failures: []; left: string[] };
      expect(result.left.length).toBeLessThan(left.length);
      done += result.done;
      failures.push(...result.failures);
      left = result.left;
    }
    expect(done).toBe(COUNT);
    expect(failures.map(({ workflowId }) => workflowId)).toEqual(["no id"]);
    await clock.advance(MINUTE);
    expect(await counts()).toMatchObject({ completed: COUNT });
  });
});
