import { describe, expect, test, vi } from "vitest";
import { Calls } from "../../testing/calls.js";
import {
  drain,
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
  workflows,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { jobs, listenToConsole } from "../../testing/managing.js";
import { everyRow } from "../../testing/tables.js";
import { start, type WorkflowCtx } from "../../client/index.js";

useBackend();
listenToConsole();

const inline = { inline: true } as const;
const echo = (step: WorkflowCtx, value: unknown) =>
  step.runMutation(steps.echo, { value }, inline);

/** A mutation that writes what it is told, then does what its test says. */
function scriptWrite(then: (input: any) => unknown = () => null) {
  script("mutation", "write", async (ctx, input) => {
    await ctx.db.insert("effects", { key: "write", value: input });
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
  test("with no job of its own: a handler of inline steps ends as it starts", async () => {
    const t = newBackend();
    scriptWrite();
    const id = await startHandler(t, async (step) => {
      await echo(step, 1);
      await write(step, 2);
      return await written(step);
    });
    expect(await statusOf(t, id)).toEqual(completed([1, 2]));
    expect(await jobs(t)).toEqual([]);
  });

  test("and is recorded completed, as any other step", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await echo(step, 1);
      await step.runQuery(steps.echoQuery, { value: 2 }, inline);
    });
    const recorded = await journal(t, id);
    expect(recorded.map(({ step }) => step)).toMatchObject([
      {
        functionType: "mutation",
        inProgress: false,
        runResult: { kind: "success", returnValue: 1 },
        completedAt: expect.any(Number) as number,
      },
      {
        functionType: "query",
        inProgress: false,
        runResult: { kind: "success", returnValue: 2 },
      },
    ]);
  });

  test("and each sees what those before it wrote", async () => {
    scriptWrite();
    const { status } = await runHandler(newBackend(), async (step) => {
      const seen = [await written(step)];
      await write(step, "a");
      seen.push(await written(step));
      await step.sleep(1);
      await write(step, "b");
      seen.push(await written(step));
      return seen;
    });
    expect(status).toMatchObject({ result: [[], ["a"], ["a", "b"]] });
  });

  test("and is undone with it", async () => {
    const t = newBackend();
    const before = await everyRow(t);
    scriptWrite();
    let asked = false;
    script("handler", "main", async (step) => {
      await write(step, 1);
      asked = true;
    });
    await expect(
      t.mutation(async (ctx) => {
        await start(ctx, workflows.workflow, { handler: "main" });
        throw new Error("the caller changes its mind");
      }),
    ).rejects.toThrow("changes its mind");
    expect(asked).toBe(true);
    expect(await everyRow(t)).toEqual(before);
  });
});

describe("a sub-transaction of its own", () => {
  test("a failing one is rolled back, and the turn continues", async () => {
    const t = newBackend();
    scriptWrite((input) => {
      if (input === "bad") throw new Error("no good");
    });
    const id = await startHandler(t, async (step) => {
      await write(step, "before");
      const error = await write(step, "bad").catch((e: Error) => e.message);
      await write(step, "after");
      return error;
    });
    expect(await statusOf(t, id)).toEqual(completed("no good"));
    expect(await effects(t)).toEqual(["before", "after"]);
  });

  test("a failing one that is not caught fails the run, and the writes of others stay", async () => {
    const t = newBackend();
    scriptWrite((input) => {
      if (input === "bad") throw new Error("no good");
    });
    const { status } = await runHandler(t, async (step) => {
      await write(step, "before");
      await write(step, "bad");
    });
    expect(status).toEqual(failed("no good"));
    expect(await effects(t)).toEqual(["before"]);
  });

  test("transactionLimits limit it: beyond them it fails, can be caught, and is rolled back", async () => {
    const t = newBackend({ transactionLimits: true });
    script("mutation", "write", async (ctx) => {
      for (let n = 0; n < 5; n++)
        await ctx.db.insert("effects", { key: "write", value: n });
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

describe("order", () => {
  test("steps issued together run one after another, in the order issued", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, async (step) => {
      const shown: number[] = [];
      const values = await Promise.all(
        [1, 2, 3, 4].map((n) =>
          echo(step, n).then((value) => {
            shown.push(n);
            return value as number;
          }),
        ),
      );
      return [values, shown];
    });
    const order = [1, 2, 3, 4];
    expect(status).toMatchObject({ result: [order, order] });
    expect(await effects(t)).toEqual(order);
  });

  test("they run before pool steps that were issued earlier, whose numbers they follow", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async (step) => {
      await Promise.all([
        step.runMutation(steps.echo, { value: "pool" }),
        echo(step, "inline"),
      ]);
    });
    expect(await effects(t)).toEqual(["inline", "pool"]);
    const names = (await journal(t, workflowId)).map(
      ({ step }) => (step.args as { value: unknown }).value,
    );
    expect(names).toEqual(["pool", "inline"]);
  });

  test("they run before a result that has arrived is delivered", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, async (step) => {
      const shown: string[] = [];
      const note = (name: string) => () => void shown.push(name);
      await Promise.all([
        step
          .runMutation(steps.echo, { value: 1 })
          .then(note("first"))
          .then(() => echo(step, 2))
          .then(note("inline")),
        step.runMutation(steps.echo, { value: 3 }).then(note("second")),
      ]);
      return shown;
    });
    expect(status).toMatchObject({ result: ["first", "inline", "second"] });
  });
});

describe("many inline steps", () => {
  test("600 in a row continue in further turns: each runs once, within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    let turns = 0;
    const { status, workflowId } = await runHandler(t, async (step) => {
      turns++;
      let sum = 0;
      for (let n = 0; n < 600; n++) sum += (await echo(step, n)) as number;
      return sum;
    });
    expect(status).toEqual(completed((600 * 599) / 2));
    expect(await effects(t)).toEqual(Array.from({ length: 600 }, (_, n) => n));
    expect(await journal(t, workflowId)).toHaveLength(600);
    // The fake clock stands still, as on a backend that has none.
    expect(turns).toBe(Math.ceil(600 / 32));
  });

  describe("with 4 ms of user code charged for each call", () => {
    /** A backend whose `performance` runs, and the longest that any transaction has taken. */
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

    test("by the thousand, no transaction takes half of its second", async () => {
      const { t, longest } = chargingBackend();
      const { status } = await runHandler(t, async (step) => {
        let sum = 0;
        for (let n = 0; n < 1000; n++) sum += (await echo(step, n)) as number;
        return sum;
      });
      expect(status).toEqual(completed((1000 * 999) / 2));
      expect(longest.ms).toBeGreaterThan(300);
      expect(longest.ms).toBeLessThan(500);
    });

    test("a turn whose replay took long still runs more than one", async () => {
      const { t, longest, charge } = chargingBackend();
      let turns = 0;
      const { status } = await runHandler(t, async (step) => {
        turns++;
        for (let value = 0; value < 400; value++) {
          await step.runQuery(steps.echoQuery, { value }, inline);
          charge(1);
        }
      });
      expect(status).toEqual(completed(null));
      expect(turns).toBeLessThan(20);
      expect(longest.ms).toBeLessThan(800);
    });

    test("a turn runs as many as its time allows, not as few as without a clock", async () => {
      const { t } = chargingBackend();
      let turns = 0;
      await runHandler(t, async (step) => {
        turns++;
        for (let value = 0; value < 70; value++)
          await step.runQuery(steps.echoQuery, { value }, inline);
      });
      expect(turns).toBe(1);
    });
  });

  test("600 at once continue in further turns: each runs once, within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const all = Array.from({ length: 600 }, (_, n) => n);
    const { status } = await runHandler(t, (step) =>
      Promise.all(all.map((n) => echo(step, n))),
    );
    expect(status).toEqual(completed(all));
    expect(await effects(t)).toEqual(all);
  });

  test("that each use much of a transaction don't exceed it together", async () => {
    const t = newBackend({ transactionLimits: true });
    let done = 0;
    script("mutation", "much", async (ctx) => {
      for (let n = 0; n < 3000; n++)
        await ctx.db.insert("effects", { key: "much", value: n });
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

  test("one that needs more than a transaction has fails by itself", async () => {
    const t = newBackend({ transactionLimits: true });
    script("mutation", "too much", async (ctx) => {
      for (let n = 0; n < 17_000; n++)
        await ctx.db.insert("effects", { key: "much", value: n });
    });
    const { status } = await runHandler(t, async (step) => {
      await echo(step, "before");
      const outcome = await step
        .runMutation(steps.mutation, { name: "too much" }, inline)
        .then(
          () => "fine",
          () => "over",
        );
      await echo(step, "after");
      return outcome;
    });
    expect(status).toEqual(completed("over"));
    expect(await effects(t)).toEqual(["before", "after"]);
  }, 120_000);

  test("one whose own error sounds like a limit's fails as it would anyway", async () => {
    const t = newBackend();
    script("mutation", "refuse", async (ctx) => {
      await ctx.db.insert("effects", { key: "refuse", value: "refused" });
      throw new Error("Too many cooks");
    });
    const { status } = await runHandler(t, async (step) => {
      await echo(step, "before");
      const error = await step
        .runMutation(steps.mutation, { name: "refuse" }, inline)
        .catch((error: Error) => error.message);
      await echo(step, "after");
      return error;
    });
    expect(status).toEqual(completed("Too many cooks"));
    expect(await effects(t)).toEqual(["before", "after"]);
  });

  test("a turn that yields leaves nothing pending when the run has ended", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async (step) => {
      for (let n = 0; n < 300; n++) await echo(step, n);
    });
    const [run] = await rows(t, "workflows");
    expect(run).toMatchObject({
      _id: workflowId,
      runResult: { kind: "success" },
    });
    expect(run!.pendingTurn).toBeUndefined();
    await drain();
    expect(await jobs(t)).toEqual([]);
  });
});
