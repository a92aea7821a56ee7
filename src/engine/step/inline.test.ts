import type { Value } from "convex/values";
import { describe, expect, test, vi } from "vitest";
import { Calls } from "../../testing/calls.js";
import {
  effects,
  journal,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { jobs, listenToConsole } from "../../testing/managing.js";
import { type WorkflowCtx } from "../../client/index.js";

useBackend();
listenToConsole();

const inline = { inline: true } as const;
const echo = (step: WorkflowCtx, value: unknown) =>
  step.runMutation(steps.echo, { value }, inline);

const messageOf = (error: Error) => error.message;

type Ctx = Parameters<Parameters<typeof script<"mutation">>[2]>[0];
const insert = (ctx: Ctx, value: Value) =>
  ctx.db.insert("effects", { key: "write", value });

/** A mutation that writes its argument, then runs its test's script. */
function scriptWrite(then: (input: any) => unknown = () => null) {
  script("mutation", "write", async (ctx, input) => {
    await insert(ctx, input);
    return await then(input);
  });
  script("query", "written", async (ctx) => {
    const found = await ctx.db.query("effects").collect();
    return found.map(({ value }) => value as unknown);
  });
}
const write = (step: WorkflowCtx, input: unknown) =>
  step.runMutation(steps.mutation, { name: "write", input }, inline);
const written = (step: WorkflowCtx) =>
  step.runQuery(steps.query, { name: "written" }, inline);

describe("an inline step runs inside the handler's transaction", () => {
  test("without a separate job, sees the writes of earlier ones, and is recorded like any other step", async () => {
    const t = newBackend();
    scriptWrite();
    const id = await startHandler(t, async (step) => {
      const seen = [await written(step)];
      await write(step, "a");
      seen.push(await written(step));
      return seen;
    });
    // The handler ends when it starts.
    expect(await statusOf(t, id)).toEqual(completed([[], ["a"]]));
    expect(await jobs(t)).toEqual([]);
    const recorded = (functionType: string, returnValue: unknown) => ({
      functionType,
      inProgress: false,
      runResult: { kind: "success", returnValue },
      completedAt: expect.any(Number) as number,
    });
    expect((await journal(t, id)).map(({ step }) => step)).toMatchObject([
      recorded("query", []),
      recorded("mutation", null),
      recorded("query", ["a"]),
    ]);
  });
});

describe("a sub-transaction of its own", () => {
  test.each([
    ["is rolled back, and the turn continues", true, ["before", "after"]],
    [
      "that isn't caught fails the run, and the writes of others stay",
      false,
      ["before"],
    ],
  ])("a failing one %s", async (_what, catches, kept) => {
    const t = newBackend();
    scriptWrite((input) => {
      if (input === "bad") throw new Error("no good");
    });
    const { status } = await runHandler(t, async (step) => {
      await write(step, "before");
      const bad = write(step, "bad");
      const caught = catches ? await bad.catch(messageOf) : await bad;
      await write(step, "after");
      return caught;
    });
    expect(status).toEqual(catches ? completed("no good") : failed("no good"));
    expect(await effects(t)).toEqual(kept);
  });

  test("transactionLimits limit it, and beyond them it fails, can be caught and is rolled back", async () => {
    const t = newBackend({ transactionLimits: true });
    script("mutation", "write", async (ctx) => {
      for (let n = 0; n < 5; n++) await insert(ctx, n);
    });
    const limited = (step: WorkflowCtx, documentsWritten: number) =>
      step.runMutation(
        steps.mutation,
        { name: "write" },
        { ...inline, transactionLimits: { documentsWritten } },
      );
    const { status } = await runHandler(t, async (step) => {
      const outcomes = [];
      for (const documents of [4, 5])
        outcomes.push(
          await limited(step, documents).then(
            () => "fine",
            () => "over",
          ),
        );
      return outcomes;
    });
    expect(status).toMatchObject({ result: ["over", "fine"] });
    expect(await effects(t)).toHaveLength(5);
  });
});

test("inline steps run before earlier pool steps, but their numbers follow", async () => {
  const t = newBackend();
  const { workflowId } = await runHandler(t, async (step) => {
    await Promise.all([
      step.runMutation(steps.echo, { value: "pool" }),
      echo(step, "inline"),
    ]);
  });
  expect(await effects(t)).toEqual(["inline", "pool"]);
  const recorded = await journal(t, workflowId);
  expect(recorded.map(({ step }) => step.args)).toEqual([
    { value: "pool" },
    { value: "inline" },
  ]);
});

describe("many inline steps", () => {
  const all = Array.from({ length: 600 }, (_, n) => n);

  test.each([
    [
      "in a row",
      async (step: WorkflowCtx) => {
        const values = [];
        for (const n of all) values.push(await echo(step, n));
        return values;
      },
    ],
    [
      "at once",
      (step: WorkflowCtx) => Promise.all(all.map((n) => echo(step, n))),
    ],
  ])(
    "600 %s continue in further turns, and each runs once within a transaction's limits",
    async (_how, handler) => {
      const t = newBackend({ transactionLimits: true });
      let turns = 0;
      const { status, workflowId } = await runHandler(t, async (step) => {
        turns++;
        return await handler(step);
      });
      expect(status).toEqual(completed(all));
      expect(await effects(t)).toEqual(all);
      expect(await journal(t, workflowId)).toHaveLength(600);
      // The fake clock stands still, as on a backend without one.
      expect(turns).toBe(Math.ceil(600 / 32));
      // A turn that yielded left nothing pending after the run has ended.
      const [run] = await rows(t, "workflows");
      expect(run!.pendingTurn).toBeUndefined();
      expect(await jobs(t)).toEqual([]);
    },
  );

  describe("if each call is charged 4 ms of user code", () => {
    /** Creates a backend whose `performance` advances, and records the longest transaction. */
    function chargingBackend() {
      let clock = 0;
      let begunAt = 0;
      const longest = { ms: 0 };
      vi.spyOn(performance, "now").mockImplementation(() => clock);
      const calls = new Calls(({ depth }) => {
        if (depth === 1) begunAt = clock;
        clock += 4;
        longest.ms = Math.max(longest.ms, clock - begunAt);
      });
      const charge = (ms: number) => void (clock += ms);
      return { t: newBackend({ wrap: calls.wrap }), longest, charge };
    }

    test.each([
      [
        "by the thousand, no transaction takes half of its second",
        { queries: 1000, replayMs: 0, turns: [2, 40], longest: [300, 500] },
      ],
      [
        "a turn whose replay took long still runs more than one",
        { queries: 400, replayMs: 1, turns: [2, 20], longest: [0, 800] },
      ],
      [
        "a turn runs as many as its time allows, not as few as without a clock",
        { queries: 70, replayMs: 0, turns: [1, 2], longest: [0, 500] },
      ],
    ])("%s", async (_what, { queries, replayMs, turns, longest }) => {
      const charging = chargingBackend();
      let taken = 0;
      const { status } = await runHandler(charging.t, async (step) => {
        taken++;
        for (let value = 0; value < queries; value++) {
          await step.runQuery(steps.echoQuery, { value }, inline);
          charging.charge(replayMs);
        }
      });
      expect(status).toEqual(completed(null));
      expect(taken).toBeGreaterThanOrEqual(turns[0]!);
      expect(taken).toBeLessThan(turns[1]!);
      expect(charging.longest.ms).toBeGreaterThan(longest[0]!);
      expect(charging.longest.ms).toBeLessThan(longest[1]!);
    });
  });

  test("that each use much of a transaction don't exceed it together", async () => {
    const t = newBackend({ transactionLimits: true });
    let done = 0;
    script("mutation", "much", async (ctx) => {
      for (let n = 0; n < 3000; n++) await insert(ctx, n);
      return ++done;
    });
    const { status } = await runHandler(t, async (step) => {
      for (let n = 0; n < 8; n++)
        await step.runMutation(steps.mutation, { name: "much" }, inline);
      return "done";
    });
    expect(status).toEqual(completed("done"));
    expect(await effects(t)).toHaveLength(24_000);
  }, 120_000);

  test.each<[string, (ctx: Ctx) => Promise<unknown>, RegExp]>([
    [
      "that needs more than a transaction has",
      async (ctx) => {
        for (let n = 0; n < 17_000; n++) await insert(ctx, n);
      },
      /./,
    ],
    [
      "whose own error sounds like a limit's",
      async (ctx) => {
        await insert(ctx, "refused");
        throw new Error("Too many cooks");
      },
      /^Too many cooks$/,
    ],
  ])(
    "one %s fails by itself",
    async (_which, body, error) => {
      const t = newBackend({ transactionLimits: true });
      script("mutation", "bad", body);
      const { status } = await runHandler(t, async (step) => {
        await echo(step, "before");
        const outcome = await step
          .runMutation(steps.mutation, { name: "bad" }, inline)
          .then(
            () => "",
            (thrown: Error) => thrown.message,
          );
        await echo(step, "after");
        return outcome;
      });
      expect(status).toEqual(completed(expect.stringMatching(error)));
      expect(await effects(t)).toEqual(["before", "after"]);
    },
    120_000,
  );
});
