import type { FunctionArgs } from "convex/server";
import { getConvexSize } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  insertRun,
  insertSteps,
  jobs,
  listenToConsole,
} from "../../testing/managing.js";
import {
  advance,
  components,
  drain,
  effects,
  endings,
  inComponent,
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
  type Backend,
} from "../../testing/harness.js";
import { createRun, expectUnchanged } from "../../testing/doors.js";
import { completed } from "../../testing/statuses.js";
import { rowsOf, type Begun } from "../../client/entries.js";

// The component's functions called as other packages and scripts do, not through this package's
// client.

useBackend();
const heard = listenToConsole();

const { workflow, journal: api, event } = components.workflow;

const load = (t: Backend, workflowId: string, shortCircuit?: boolean) =>
  t.query((ctx) => ctx.runQuery(api.load, { workflowId, shortCircuit }));
const beginTurn = (t: Backend, workflowId: string, generationNumber = 0) =>
  t.mutation((ctx) =>
    ctx.runMutation(api.beginTurn, { workflowId, generationNumber }),
  );
/** Whether the pages are text or values, each form that follows another. */
const formsOf = (pages: Begun["journal"]) =>
  pages!
    .map((page) => (typeof page === "string" ? "text" : "values"))
    .filter((form, at, forms) => form !== forms[at - 1]);
const complete = (t: Backend, args: FunctionArgs<typeof workflow.complete>) =>
  t.mutation((ctx) => ctx.runMutation(workflow.complete, args));

describe("journal.load", () => {
  test("returns the run, its steps in order and the log level", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.sleep(10);
    });
    const [run] = await rows(t, "workflows");
    const loaded = await load(t, workflowId);
    expect(loaded).toEqual({
      workflow: run,
      journalEntries: await journal(t, workflowId),
      ok: true,
      logLevel: "WARN",
    });
    await expectUnchanged(t, heard, () => load(t, workflowId, true));
  });

  test("with shortCircuit reports at once that steps are in flight", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    expect(await load(t, id, true)).toMatchObject({ ok: true, blocked: true });
    const whole = await load(t, id);
    expect(whole.blocked ?? false).toBe(false);
    expect(whole.journalEntries).toHaveLength(1);
    await drain();
    const done = await load(t, id, true);
    expect(done.blocked ?? false).toBe(false);
    expect(done.journalEntries).toHaveLength(1);
  });

  test("of a journal too large to be replayed is not ok, and stays within limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    const value = "x".repeat(900_000);
    for (let from = 0; from < 20; from += 10)
      await insertSteps(t, id, { from, to: from + 10 }, () => ({
        step: { args: { value } },
      }));
    expect((await load(t, id)).ok).toBe(false);
  });

  test("of a run that is gone, or an id that is no run's, throws", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await inComponent(t, (ctx) => ctx.db.delete("workflows", id as never));
    await expect(load(t, id)).rejects.toThrow(`Workflow not found: ${id}`);
    await expect(load(t, "x")).rejects.toThrow("Invalid workflow ID: x");
  });
});

describe("journal.beginTurn", () => {
  test("begins the pending turn: a result that arrives later makes another pending", async () => {
    const t = newBackend();
    script("handler", "main", async () => 1);
    const id = await createRun(t, { startAsync: true });
    const [run] = await rows(t, "workflows");
    expect(run!.pendingTurn).toBeDefined();
    const begun = await beginTurn(t, id);
    expect(begun).toMatchObject({ workflow: { _id: id }, blocked: false });
    const [after] = await rows(t, "workflows");
    expect(after!.pendingTurn).toBeUndefined();
  });

  test("returns a journal of thousands of steps as text, in order", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 9000 });
    const { journal } = (await beginTurn(t, id)) as Begun;
    expect(formsOf(journal)).toEqual(["text"]);
    expect(rowsOf(journal!).map(({ stepNumber }) => stepNumber)).toEqual(
      Array.from({ length: 9000 }, (_, at) => at),
    );
  });

  test.each([
    ["a bigint", 5n],
    ["bytes", new Uint8Array([1, 2]).buffer],
    ["-0", -0],
    ["no number", NaN],
    ["an infinite number", -Infinity],
  ])(
    "returns the steps around %s as values, which text can't hold, and others as text",
    async (_, value) => {
      const t = newBackend({ transactionLimits: true });
      const id = await insertRun(t);
      await insertSteps(t, id, { from: 0, to: 2000 }, (stepNumber) =>
        stepNumber === 1000 ? { step: { args: { list: [{ value }] } } } : {},
      );
      const { journal } = (await beginTurn(t, id)) as Begun;
      expect(formsOf(journal)).toEqual(["text", "values", "text"]);
      const all = rowsOf(journal!);
      expect(all.map(({ stepNumber }) => stepNumber)).toEqual(
        Array.from({ length: 2000 }, (_, at) => at),
      );
      expect(all[1000]!.step.args).toStrictEqual({ list: [{ value }] });
    },
  );

  test("returns each value as its text holds it", async () => {
    const args = {
      ...{ zero: 0, tiny: 5e-324, large: 1.7976931348623157e308 },
      nested: [[], {}, [null, true, [false]]],
      texts: ['"', "\\", "\n\u0000\u2028", "é", "漢", "😀", "__proto__", "$a"],
    };
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 1 }, () => ({ step: { args } }));
    const { journal } = (await beginTurn(t, id)) as Begun;
    expect(formsOf(journal)).toEqual(["text"]);
    expect(rowsOf(journal!)[0]!.step.args).toStrictEqual(args);
  });

  // Convex's limit for a result is 16 MiB.
  test.each([
    ["characters that text escapes", "\u0001".repeat(700_000), "values"],
    ["characters of three bytes", "漢".repeat(200_000), "text"],
  ])(
    "returns the largest journal, of %s, in at most 15 MiB",
    async (_, value, form) => {
      const t = newBackend();
      const id = await insertRun(t);
      await insertSteps(t, id, { from: 0, to: 10 }, () => ({
        step: { args: { value } },
      }));
      const begun = (await beginTurn(t, id)) as Begun;
      expect(formsOf(begun.journal)).toEqual([form]);
      expect(getConvexSize(begun as never)).toBeLessThan(15 * (1 << 20));
      expect(rowsOf(begun.journal!)[9]!.step.args).toEqual({ value });
    },
  );

  test("is null if there is nothing for a turn to do, and changes nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000), {
      startAsync: true,
    });
    await expectUnchanged(t, heard, async () =>
      expect(await beginTurn(t, id, 1)).toBeNull(),
    );
    await cancel(t, id);
    await expectUnchanged(t, heard, async () => {
      for (const generation of [0, 1])
        expect(await beginTurn(t, id, generation)).toBeNull();
    });
  });

  test("says that a run is unknown once it was cleaned up", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async () => null);
    await cleanup(t, workflowId);
    await expectUnchanged(t, heard, async () =>
      expect(await beginTurn(t, workflowId)).toBe("unknown"),
    );
  });
});

describe("workflow.complete", () => {
  const runResult = { kind: "success" as const, returnValue: "by hand" };

  test("ends the run and calls its onComplete", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000), {
      context: "mine",
    });
    await complete(t, { workflowId: id, generationNumber: 0, runResult });
    expect(await statusOf(t, id)).toEqual(completed("by hand"));
    expect(await endings(t)).toMatchObject([{ result: runResult }]);
    await expectUnchanged(t, heard, () => advance(5000));
  });

  test("records a nested run's result in its parent's step", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(1_000_000));
    const id = await startHandler(t, (step) =>
      step.runWorkflow(workflows.workflow, { handler: "child" }),
    );
    await advance(1000);
    const [, child] = await rows(t, "workflows");
    await complete(t, {
      workflowId: child!._id,
      generationNumber: 0,
      runResult,
    });
    await advance(1000);
    expect(await statusOf(t, id)).toEqual(completed("by hand"));
  });

  test("of another generation, an ended run or one that is gone throws, and changes nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000), {
      context: "mine",
    });
    const late = async (generationNumber: number, error: string) => {
      for (const kind of ["success", "canceled"] as const) {
        const result = kind === "canceled" ? { kind } : runResult;
        const args = { workflowId: id, generationNumber, runResult: result };
        await expectUnchanged(t, heard, async () => {
          await expect(complete(t, args)).rejects.toThrow(error);
        });
        await expectUnchanged(t, heard, async () => {
          await complete(t, { ...args, ifStale: "ignore" });
        });
      }
    };
    await late(1, `${id}: the generation number 1 is not the current one, 0`);
    await late(-1, "the generation number -1 is not the current one");
    await cancel(t, id);
    await late(0, `${id}: it is already canceled`);
    await late(1, `${id}: it is already canceled`);
    await inComponent(t, (ctx) => ctx.db.delete("workflows", id as never));
    await late(1, `${id}: it was not found`);
  });

  test("with canceled fences the run and cancels its steps and children", async () => {
    const t = newBackend();
    script("handler", "child", async (step) => {
      await step.sleep(5000);
      await step.runMutation(steps.echo, { value: "child" });
    });
    const id = await startHandler(
      t,
      (step) =>
        Promise.all([
          step.runWorkflow(workflows.workflow, { handler: "child" }),
          step.runMutation(steps.echo, { value: "step" }, { runAfter: 4000 }),
        ]),
      { context: "mine" },
    );
    await advance(1000);
    await complete(t, {
      workflowId: id,
      generationNumber: 0,
      runResult: { kind: "canceled" },
    });
    expect(
      (await rows(t, "workflows")).map(({ generationNumber, runResult }) => [
        generationNumber,
        runResult,
      ]),
    ).toEqual(Array(2).fill([1, { kind: "canceled" }]));
    expect(await jobs(t)).toEqual([]);
    await drain();
    expect(await effects(t)).toEqual([]);
    expect(await endings(t)).toMatchObject([{ result: { kind: "canceled" } }]);
  });
});

describe("arguments of 0.4's clients are accepted:", () => {
  test("event.create and event.send with workpoolOptions", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.awaitEvent({ name: "go" }));
    await t.mutation(async (ctx) => {
      await ctx.runMutation(event.send, {
        workflowId: id,
        name: "go",
        result: { kind: "success", returnValue: 1 },
        workpoolOptions: { maxParallelism: 10, logLevel: "WARN" },
      });
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });

  test("getStatus: the run, its steps in flight and the log level", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    const [run] = await rows(t, "workflows");
    expect(
      await t.query((ctx) =>
        ctx.runQuery(workflow.getStatus, { workflowId: id }),
      ),
    ).toEqual({
      workflow: run,
      inProgress: await journal(t, id),
      logLevel: "WARN",
    });
  });

  test("restart from a name, list and listSteps with pages", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, (step) =>
      step.runMutation(steps.echo, { value: 1 }, { name: "m" }),
    );
    await t.mutation((ctx) =>
      ctx.runMutation(workflow.restart, {
        workflowId,
        from: "m",
        startAsync: true,
      }),
    );
    await drain();
    expect(await effects(t)).toEqual([1, 1]);
    const paginationOpts = { numItems: 5, cursor: null };
    const page = await t.query((ctx) =>
      ctx.runQuery(workflow.listSteps, { workflowId, paginationOpts }),
    );
    expect(page).toMatchObject({ page: [{ name: "m" }], isDone: true });
    const runs = await t.query((ctx) =>
      ctx.runQuery(workflow.list, { order: "desc", paginationOpts }),
    );
    expect(runs.page).toHaveLength(1);
  });
});
