// @vitest-environment node
import { describe, expect, test } from "vitest";
import type { WorkflowHistory } from "@convex-dev/workflow";
import { replayHistory } from "@convex-dev/workflow/test";
import { MINUTE } from "../../src/testing/units.js";
import { startBackend } from "./testing/backend.js";
import { patched } from "./testing/handlersApp/convex/operating.js";

// Start options and operating functions under the platform's rules, with conflicts and real scheduled functions.

const APP = "tools/local-backend/testing/handlersApp";
const COUNT = 6;

describe("on the local backend", () => {
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

  test("attempts are listed, and restartMany and retryOnComplete repeat each failure once", async () => {
    const { run, clock, column } = await startBackend(APP);
    const counts = () => run("operating:counts");
    // They fail until the test notes "up".
    const charges = { name: "charges", count: COUNT };
    const ids = (await run("operating:startNoted", charges)) as string[];
    await clock.advance(MINUTE);
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
