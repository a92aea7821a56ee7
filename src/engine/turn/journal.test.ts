import type { FunctionArgs } from "convex/server";
import { getConvexSize, type Value } from "convex/values";
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
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import {
  createRun,
  expectUnchanged,
  handleOf,
  HANDLE,
} from "../../testing/doors.js";
import { create as createEvent, send } from "../../testing/events.js";
import { completed } from "../../testing/statuses.js";
import { rowsOf, type Begun } from "../../client/turn/journalEntry.js";

// Calls the component's functions directly, as other packages and scripts do, not through this package's
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
/** Returns the forms of the pages, text or values, without repetitions. */
const formsOf = (pages: Begun["journal"]) =>
  pages!
    .map((page) => (typeof page === "string" ? "text" : "values"))
    .filter((form, at, forms) => form !== forms[at - 1]);
const complete = (t: Backend, args: FunctionArgs<typeof workflow.complete>) =>
  t.mutation((ctx) => ctx.runMutation(workflow.complete, args));

describe("journal.load", () => {
  test("returns the run, its steps in order and the log level, and with shortCircuit says whether steps are in flight", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.sleep(60_000);
    });
    await advance(30_000);
    expect(await load(t, id, true)).toMatchObject({ ok: true, blocked: true });
    expect((await load(t, id)).blocked ?? false).toBe(false);
    await drain();
    const [run] = await rows(t, "workflows");
    const whole = {
      workflow: run,
      journalEntries: await journal(t, id),
      ok: true,
      logLevel: "WARN",
    };
    expect(whole.journalEntries).toHaveLength(2);
    await expectUnchanged(t, heard, async () => {
      expect(await load(t, id)).toEqual(whole);
      expect(await load(t, id, true)).toEqual(whole);
    });
  });

  test("returns not ok for a journal that is too large to replay, and stays within limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    const value = "x".repeat(900_000);
    for (let from = 0; from < 20; from += 10)
      await insertSteps(t, id, { from, to: from + 10 }, () => ({
        step: { args: { value } },
      }));
    expect((await load(t, id)).ok).toBe(false);
  });
});

describe("journal.beginTurn", () => {
  test("begins the pending turn, so a later result makes another one pending", async () => {
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

  /** Returns the forms and rows of a journal with `count` steps, whose nth has these arguments. */
  async function beginJournal(count: number, nth: number, args: Value) {
    const t = newBackend({ transactionLimits: count > 10 });
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: count }, (stepNumber) =>
      stepNumber === nth || count === 10 ? { step: { args } } : {},
    );
    const turn = (await beginTurn(t, id)) as Begun;
    const all = rowsOf(turn.journal!);
    expect(all.map(({ stepNumber }) => stepNumber)).toEqual(
      Array.from({ length: count }, (_, at) => at),
    );
    expect(all[nth]!.step.args).toStrictEqual(args);
    // Convex's limit for a result is 16 MiB.
    expect(getConvexSize(turn as never)).toBeLessThan(15 * (1 << 20));
    return formsOf(turn.journal);
  }

  test.each<[string, Value]>([
    ["a bigint", 5n],
    ["bytes", new Uint8Array([1, 2]).buffer],
    ["-0", -0],
    ["no number", NaN],
    ["an infinite number", -Infinity],
  ])(
    "returns the steps around %s as values, which text can't hold, and others as text",
    async (_, value) => {
      expect(await beginJournal(2000, 1000, { list: [{ value }] })).toEqual([
        "text",
        "values",
        "text",
      ]);
    },
  );

  test.each<[string, number, Value, "text" | "values"]>([
    ["a journal of thousands of steps, in order", 9000, { value: 1 }, "text"],
    [
      "each value as its text holds it",
      1,
      {
        ...{ zero: 0, tiny: 5e-324, large: 1.7976931348623157e308 },
        nested: [[], {}, [null, true, [false]]],
        texts: [
          '"',
          "\\",
          "\n\u0000\u2028",
          "é",
          "漢",
          "😀",
          "__proto__",
          "$a",
        ],
      },
      "text",
    ],
    [
      "the largest journal, of characters that text escapes, in at most 15 MiB",
      10,
      { value: "\u0001".repeat(700_000) },
      "values",
    ],
    [
      "the largest journal, of characters of three bytes, in at most 15 MiB",
      10,
      { value: "漢".repeat(200_000) },
      "text",
    ],
  ])("returns %s", async (_what, count, args, form) => {
    expect(await beginJournal(count, count - 1, args)).toEqual([form]);
  });

  test("changes nothing and is null if there is nothing for a turn to do, or returns unknown for a cleaned-up run", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000), {
      startAsync: true,
    });
    const expectNothing = (generation: number, reply: null | "unknown") =>
      expectUnchanged(t, heard, async () =>
        expect(await beginTurn(t, id, generation)).toBe(reply),
      );
    await expectNothing(1, null);
    await cancel(t, id);
    for (const generation of [0, 1]) await expectNothing(generation, null);
    await cleanup(t, id);
    await expectNothing(1, "unknown");
  });
});

type StartSteps = FunctionArgs<typeof api.startSteps>;
type Asked = StartSteps["steps"][number];
const startSteps = (
  t: Backend,
  workflowId: string,
  asked: Asked[],
  options: Partial<StartSteps> = {},
) =>
  t.mutation((ctx) =>
    ctx.runMutation(api.startSteps, {
      workflowId,
      generationNumber: 0,
      steps: asked,
      ...options,
    }),
  );

/** A step as a client of 0.4 passes it, without a journal position, wake condition or delivery. */
const asks = (fields: object, options: Partial<Asked> = {}) => ({
  ...options,
  step: {
    inProgress: true,
    argsSize: 0,
    args: {},
    startedAt: 1,
    ...fields,
  } as Asked["step"],
});
const sleeps = { kind: "sleep", name: "s" };

/** A step that calls one of the app's functions with its own name. */
async function asksFor(
  t: Backend,
  functionType: "mutation" | "query" | "action",
  name: string,
  options?: Partial<Asked>,
) {
  const ref = {
    mutation: steps.echo,
    query: steps.echoQuery,
    action: steps.echoAction,
  }[functionType];
  const handle = await handleOf(t, ref);
  const args = { value: name };
  return asks({ kind: "function", functionType, name, handle, args }, options);
}

/** Creates a run whose handler must not be replayed, because it asks for none of the steps. */
async function runOfOthers(t: Backend) {
  script("handler", "main", () => new Promise(() => undefined));
  const id = await createRun(t, { createOnly: true });
  const neverReplayed = () =>
    inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, {
        pendingTurn: { workId: "none" },
      }),
    );
  return { id, neverReplayed };
}

describe("journal.startSteps", () => {
  test("numbers, records and starts steps of every kind, and returns their entries in order", async () => {
    const t = newBackend();
    const { id, neverReplayed } = await runOfOthers(t);
    script("handler", "child", async () => "w");
    const eventId = await createEvent(t, id, "by id");
    const childArgs = { handler: "child" };
    const asked = [
      await asksFor(t, "mutation", "m"),
      await asksFor(t, "query", "q"),
      await asksFor(t, "action", "a"),
      asks({ kind: "workflow", name: "w", handle: HANDLE, args: childArgs }),
      asks({ kind: "event", name: "by name" }),
      asks({ kind: "event", name: "by id", args: { eventId } }),
      asks(sleeps),
    ];
    const entries = await startSteps(t, id, asked);
    // Read again only for this: the returned time of creation is a little earlier.
    const recorded = (await journal(t, id)).map((row) => ({
      ...row,
      _creationTime: expect.any(Number) as number,
    }));
    expect(entries).toEqual(recorded);
    expect(
      entries!.map(({ stepNumber, step }) => [stepNumber, step.name]),
    ).toEqual(asked.map(({ step }, at) => [at, step.name]));
    expect(await jobs(t)).toHaveLength(4);
    await neverReplayed();
    await send(t, { workflowId: id, name: "by name", value: "n" });
    await send(t, { id: eventId, value: "i" });
    await advance(10_000);
    const results = (await journal(t, id)).map(({ step }) => step.runResult);
    expect(results).toEqual(
      ["m", "q", "a", "w", "n", "i", null].map((returnValue) => ({
        kind: "success",
        returnValue,
      })),
    );
    expect(await effects(t)).toEqual(["m"]);
  });

  test("continues after the recorded steps, and refuses any position but the next", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 3 });
    for (const stepNumber of [0, 2, 4])
      await expectUnchanged(t, heard, () =>
        expect(
          startSteps(t, id, [asks(sleeps, { stepNumber })]),
        ).rejects.toThrow(
          new RegExp(`${id}.* step ${stepNumber} "s".* at step 3`),
        ),
      );
    const [first] = (await startSteps(t, id, [asks(sleeps)]))!;
    const [second] = (await startSteps(t, id, [asks(sleeps)]))!;
    expect([first!.stepNumber, second!.stepNumber]).toEqual([3, 4]);
  });

  test("retries actions according to the step or else the options, and refuses an event that can't be awaited as a failed step", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    const own = { maxAttempts: 2, initialBackoffMs: 1, base: 3 };
    const byDefault = { maxAttempts: 9, initialBackoffMs: 2, base: 4 };
    const asked = [await asksFor(t, "mutation", "m")];
    for (const retry of [own, true, false, undefined])
      asked.push(await asksFor(t, "action", "a", { retry }));
    asked.push(asks({ kind: "event", name: "e", args: { eventId: "none" } }));
    const entries = (await startSteps(t, id, asked, {
      workpoolOptions: {
        defaultRetryBehavior: byDefault,
        retryActionsByDefault: true,
      },
    }))!;
    expect(entries.map(({ retry }) => retry)).toEqual([
      ...[undefined, own, byDefault, undefined, byDefault],
      undefined,
    ]);
    expect(entries[5]!.step).toMatchObject({
      inProgress: false,
      runResult: {
        kind: "failed",
        error: expect.stringMatching(/none/) as string,
      },
    });
  });

  test("starts hundreds of steps within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    const schedulerOptions = { runAfter: 1_000_000 };
    const one = await asksFor(t, "mutation", "m", { schedulerOptions });
    expect(await startSteps(t, id, Array(400).fill(one))).toHaveLength(400);
  });

  test("starts nothing for an earlier generation or a deleted run", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    await cancel(t, id);
    const asked = [await asksFor(t, "mutation", "m", { stepNumber: 0 })];
    const expectNull = () =>
      expectUnchanged(t, heard, async () =>
        expect(await startSteps(t, id, asked)).toBeNull(),
      );
    await expectNull();
    await inComponent(t, (ctx) => ctx.db.delete("workflows", id as never));
    await expectNull();
    expect(await jobs(t)).toEqual([]);
  });
});

describe("workflow.complete", () => {
  const runResult = { kind: "success" as const, returnValue: "by hand" };

  test("ends the run, calls its onComplete and completes its parent's step", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(1_000_000));
    const id = await startHandler(
      t,
      (step) => step.runWorkflow(workflows.workflow, { handler: "child" }),
      { context: "mine" },
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
    expect(await endings(t)).toMatchObject([{ result: runResult }]);
    const other = await startHandler(t, (step) => step.sleep(1000));
    await complete(t, { workflowId: other, generationNumber: 0, runResult });
    expect(await statusOf(t, other)).toEqual(completed("by hand"));
    await expectUnchanged(t, heard, () => advance(5000));
  });

  test("throws without changes for another generation, an ended run or a deleted run", async () => {
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
      (await rows(t, "workflows")).map((run) => [
        run.generationNumber,
        run.runResult,
      ]),
    ).toEqual(Array(2).fill([1, { kind: "canceled" }]));
    expect(await jobs(t)).toEqual([]);
    await drain();
    expect(await effects(t)).toEqual([]);
    expect(await endings(t)).toMatchObject([{ result: { kind: "canceled" } }]);
  });
});

test("arguments of 0.4's clients are accepted: getStatus, event.send with workpoolOptions, restart from a name, and pages", async () => {
  const t = newBackend();
  const id = await startHandler(t, async (step) => {
    await step.awaitEvent({ name: "go" });
    await step.runMutation(steps.echo, { value: 1 }, { name: "m" });
  });
  const [run] = await rows(t, "workflows");
  const getStatus = () =>
    t.query((ctx) => ctx.runQuery(workflow.getStatus, { workflowId: id }));
  expect(await getStatus()).toEqual({
    workflow: run,
    inProgress: await journal(t, id),
    logLevel: "WARN",
  });
  await t.mutation((ctx) =>
    ctx.runMutation(event.send, {
      workflowId: id,
      name: "go",
      result: { kind: "success", returnValue: 1 },
      workpoolOptions: { maxParallelism: 10, logLevel: "WARN" },
    }),
  );
  await drain();
  expect(await effects(t)).toEqual([1]);
  await t.mutation((ctx) =>
    ctx.runMutation(workflow.restart, {
      workflowId: id,
      from: "m",
      startAsync: true,
    }),
  );
  await drain();
  expect(await effects(t)).toEqual([1, 1]);
  const paginationOpts = { numItems: 5, cursor: null };
  const page = await t.query((ctx) =>
    ctx.runQuery(workflow.listSteps, { workflowId: id, paginationOpts }),
  );
  expect(page).toMatchObject({
    page: [{ name: "go" }, { name: "m" }],
    isDone: true,
  });
  const runs = await t.query((ctx) =>
    ctx.runQuery(workflow.list, { order: "desc", paginationOpts }),
  );
  expect(runs.page).toHaveLength(1);
});
