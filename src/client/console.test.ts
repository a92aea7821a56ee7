import type { ConvexError } from "convex/values";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../testing/app/_generated/api.js";
import { manager } from "../testing/app/workflows.js";
import { insertRun, insertSteps } from "../testing/managing.js";
import {
  advance,
  drain,
  endings,
  inComponent,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../testing/harness.js";
import type { ConsoleOperation } from "./index.js";

useBackend();

type Request = { operation: ConsoleOperation; workflowId?: string };

let requests: Request[];
beforeEach(() => {
  requests = [];
  authorize(() => true);
});

function authorize(decide: (request: Request) => unknown) {
  script("query", "authorize", (_ctx, request: Request) => {
    requests.push(request);
    return decide(request);
  });
}

const FIRST = { numItems: 50, cursor: null };

/** One call of each function about a run. */
const CALLS: Record<
  ConsoleOperation,
  (t: Backend, id: string) => Promise<unknown>
> = {
  listRuns: (t) => t.query(api.console.listRuns, { paginationOpts: FIRST }),
  getRun: (t, workflowId) => t.query(api.console.getRun, { workflowId }),
  listSteps: (t, workflowId) =>
    t.query(api.console.listSteps, { workflowId, paginationOpts: FIRST }),
  stats: (t) => t.query(api.console.stats, {}),
  cancel: (t, id) => t.mutation(api.console.cancel, { workflowIds: [id] }),
  restart: (t, id) => t.mutation(api.console.restart, { workflowIds: [id] }),
  cleanup: (t, id) => t.mutation(api.console.cleanup, { workflowIds: [id] }),
  sendEvent: (t, workflowId) =>
    t.mutation(api.console.sendEvent, { workflowId, name: "go" }),
};
const OPERATIONS = Object.keys(CALLS) as ConsoleOperation[];
const ABOUT_ALL: ConsoleOperation[] = ["listRuns", "stats"];

/** What `call` throws. */
async function thrownBy(call: Promise<unknown>): Promise<ConvexError<any>> {
  try {
    await call;
  } catch (error) {
    return error as ConvexError<any>;
  }
  throw new Error("It was allowed");
}

const everything = (t: Backend) =>
  inComponent(t, async ({ db }) => ({
    runs: await db.query("workflows").collect(),
    steps: await db.query("steps").collect(),
    events: await db.query("events").collect(),
    tasks: await db.query("tasks").collect(),
  }));

/** A run that waits for the event "go". */
const waits = (t: Backend, options?: Parameters<typeof startHandler>[2]) =>
  startHandler(t, (step) => step.awaitEvent({ name: "go" }), options);

describe("authorize", () => {
  test.each(OPERATIONS)(
    "%s: is called first, with the operation and the run",
    async (operation) => {
      const t = newBackend();
      const id = await waits(t);
      await CALLS[operation](t, id);
      expect(requests).toEqual([
        ABOUT_ALL.includes(operation)
          ? { operation }
          : { operation, workflowId: id },
      ]);
    },
  );

  test.each<[string, () => unknown, RegExp?]>([
    ["false", () => false],
    ["nothing", () => undefined],
    ["a truthy value that isn't true", () => "yes"],
    ["a promise of false", () => Promise.resolve(false)],
    [
      "an error",
      () => {
        throw new Error("no such user");
      },
      /authorize.*no such user/,
    ],
  ])(
    "that gives %s shows nothing, does nothing, and is silent about whether a run exists: only an error is in the log",
    async (_what, decide, logged) => {
      const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
      const t = newBackend();
      const id = await waits(t);
      const before = await everything(t);
      authorize(decide);
      for (const operation of OPERATIONS) {
        const message = `Not authorized to call ${operation} of this console.`;
        for (const asked of [id, id.replace(/^\d+/, "99999"), "no id"]) {
          warn.mockClear();
          const error = await thrownBy(CALLS[operation](t, asked));
          expect(error.data).toEqual({ code: "UNAUTHORIZED", message });
          expect(error.message).not.toMatch(/no such user/);
          expect(warn.mock.calls.flat()).toEqual(
            logged ? [expect.stringMatching(logged)] : [],
          );
        }
      }
      expect(await everything(t)).toEqual(before);
      warn.mockRestore();
    },
  );

  test("is checked when the console is defined: it must be a function", () => {
    for (const options of [{}, { authorize: true }, undefined, null])
      expect(() => manager.console(options as never)).toThrow(/authorize/);
  });

  test("decides about each of several runs, one refusal stops them all, and it is asked about no run, too", async () => {
    const t = newBackend();
    const ids = [await insertRun(t), await insertRun(t), await insertRun(t)];
    authorize(({ workflowId }) => workflowId && workflowId !== ids[2]);
    const before = await everything(t);
    for (const operation of ["cancel", "restart", "cleanup"] as const)
      for (const workflowIds of [ids, []]) {
        requests = [];
        const call = t.mutation(api.console[operation], { workflowIds });
        await expect(call).rejects.toThrow("Not authorized");
        expect(requests).toEqual(
          workflowIds.length > 0
            ? ids.map((workflowId) => ({ operation, workflowId }))
            : [{ operation }],
        );
      }
    expect(await everything(t)).toEqual(before);
  });

  test("can read tables and the caller's identity", async () => {
    const t = newBackend();
    script("query", "authorize", async (ctx) => {
      const identity = await ctx.auth.getUserIdentity();
      await ctx.db.query("effects").collect();
      return identity?.["role"] === "admin";
    });
    const stats = (role: string) =>
      t.withIdentity({ role }).query(api.console.stats, {});
    await expect(stats("user")).rejects.toThrow("Not authorized");
    expect(await stats("admin")).toMatchObject({ names: [] });
  });
});

const LARGE = "x".repeat(300 * 1024);
const bytesOf = (value: unknown) => JSON.stringify(value).length;

describe("listRuns", () => {
  test("lists runs without their values, newest first, with all filters", async () => {
    const t = newBackend();
    const args = { secret: LARGE };
    const a = await insertRun(t, { name: "a:a", args });
    await advance(10);
    const since = Date.now();
    const b = await insertRun(t, {
      ...{ name: "b:b", args },
      runResult: { kind: "failed", error: `first line\n${LARGE}` },
    });
    const list = async (filter: object) => {
      const paginationOpts = FIRST;
      const asked = { ...filter, paginationOpts };
      const found = await t.query(api.console.listRuns, asked);
      expect(bytesOf(found)).toBeLessThan(2000);
      return found.page.map(({ workflowId }) => workflowId);
    };
    expect(await list({})).toEqual([b, a]);
    expect(await list({ order: "asc" })).toEqual([a, b]);
    expect(await list({ status: "failed" })).toEqual([b]);
    expect(await list({ name: "a:a" })).toEqual([a]);
    expect(await list({ since })).toEqual([b]);
    expect(await list({ until: since })).toEqual([a]);
    expect(await list({ idPrefix: a })).toEqual([a]);
    expect(await list({ parent: a })).toEqual([]);
  });

  test("refuses a filter that doesn't exist", async () => {
    const t = newBackend();
    for (const filter of [{ status: "running" }, { order: "up" }, { key: "k" }])
      await expect(
        t.query(api.console.listRuns, {
          ...filter,
          paginationOpts: FIRST,
        } as never),
      ).rejects.toThrow(/alidat/);
  });
});

describe("getRun", () => {
  test("returns a run's full values and pages of its events, of which values larger than 4 KiB are cut", async () => {
    const t = newBackend();
    const id = await waits(t, { input: LARGE });
    const large = { text: LARGE, many: 10n, bytes: new ArrayBuffer(3) };
    for (const value of [large, ...Array.from({ length: 59 }, (_, n) => n)])
      await t.mutation((ctx) =>
        manager.sendEvent(ctx, { workflowId: id, name: "later", value }),
      );
    const run = (await t.query(api.console.getRun, { workflowId: id }))!;
    expect(run.args).toEqual({ handler: "main", input: LARGE });
    expect(run.status).toBe("inProgress");
    const { page, continueCursor: cursor } = run.events;
    expect(page).toHaveLength(50);
    expect(page[0]).toMatchObject({ name: "go", state: "waiting" });
    expect(page[1]).not.toHaveProperty("value");
    expect(page[1]!.cut!.bytes).toBeGreaterThan(300 * 1024);
    expect(page[1]!.cut!.preview).toMatch(/x…$/);
    expect(bytesOf(page[1])).toBeLessThan(5000);
    const rest = (await t.query(api.console.getRun, {
      workflowId: id,
      events: { numItems: 50, cursor },
    }))!.events;
    expect(rest.isDone).toBe(true);
    expect(rest.page.map(({ value }) => value as number)).toEqual(
      Array.from({ length: 11 }, (_, n) => n + 48),
    );
    const unknown = { workflowId: "no id" };
    expect(await t.query(api.console.getRun, unknown)).toBeNull();
  });
});

describe("listSteps", () => {
  test("returns no values, except for a single step by its number", async () => {
    const t = newBackend();
    const workflowId = await insertRun(t);
    await insertSteps(t, workflowId, { from: 0, to: 5 }, (stepNumber) => ({
      step: {
        args: { large: LARGE },
        runResult: { kind: "success", returnValue: stepNumber },
      },
    }));
    const list = async (asked: object) =>
      await t.query(api.console.listSteps, {
        ...{ workflowId, paginationOpts: FIRST },
        ...asked,
      });
    const all = await list({});
    expect(bytesOf(all)).toBeLessThan(5000);
    expect(all.page.map(({ stepNumber }) => stepNumber)).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect((await list({ order: "desc" })).page[0]!.stepNumber).toBe(4);
    expect(await list({ step: 3 })).toMatchObject({
      page: [
        {
          stepNumber: 3,
          args: { large: LARGE },
          runResult: { kind: "success", returnValue: 3 },
        },
      ],
      isDone: true,
    });
    expect((await list({ step: 9 })).page).toEqual([]);
    expect((await list({ workflowId: "no id" })).page).toEqual([]);
  });

  test("another run's cursor is refused", async () => {
    const t = newBackend();
    const ids = [await insertRun(t), await insertRun(t), await insertRun(t)];
    for (const id of ids) await insertSteps(t, id, { from: 0, to: 4 });
    const list = (
      workflowId: string,
      order: "asc" | "desc",
      cursor: string | null,
      endCursor?: string,
    ) =>
      t.query(api.console.listSteps, {
        ...{ workflowId, order },
        paginationOpts: { numItems: 2, cursor, endCursor },
      });
    for (const from of ids)
      for (const order of ["asc", "desc"] as const) {
        const { continueCursor } = await list(from, order, null);
        const pages = [
          list(ids[1]!, order, continueCursor),
          list(ids[1]!, order, null, continueCursor),
        ];
        for (const page of pages)
          if (from === ids[1]) await page;
          else await expect(page).rejects.toThrow(/^Invalid cursor: /);
      }
  });
});

describe("stats", () => {
  test("counts runs by status, of one workflow or all, and names workflows", async () => {
    const t = newBackend();
    await insertRun(t, { name: "a:a" });
    await insertRun(t, { name: "b:b", runResult: { kind: "canceled" } });
    const none = { inProgress: 0, completed: 0, failed: 0, canceled: 0 };
    const names = ["a:a", "b:b"];
    expect(await t.query(api.console.stats, {})).toEqual({
      counts: { ...none, inProgress: 1, canceled: 1 },
      names,
    });
    expect(await t.query(api.console.stats, { name: "b:b" })).toEqual({
      counts: { ...none, canceled: 1 },
      names,
    });
  });
});

describe("cancel, restart and cleanup", () => {
  test("act on all runs that they can, call onComplete, and say why not on the others", async () => {
    const t = newBackend();
    const running = [await waits(t, { context: "mine" }), await waits(t)];
    const ended = await insertRun(t, { runResult: { kind: "canceled" } });
    const ids = [running[0]!, "no id", ended, running[1]!, running[0]!];
    const canceled = await t.mutation(api.console.cancel, { workflowIds: ids });
    expect(canceled).toEqual({
      done: 2,
      failures: [
        {
          workflowId: "no id",
          error:
            "Invalid workflow ID: no id. Expected the id that starting a workflow returned.",
        },
        {
          workflowId: ended,
          error: `Can't cancel workflow ${ended}: it is already canceled.`,
        },
      ],
      left: [],
    });
    for (const id of running)
      expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    expect(await endings(t)).toMatchObject([
      { workflowId: running[0], result: { kind: "canceled" }, context: "mine" },
    ]);

    const restarted = await t.mutation(api.console.restart, {
      workflowIds: running,
    });
    expect(restarted).toEqual({ done: 2, failures: [], left: [] });
    await drain();
    for (const id of running)
      expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });

    const cleanedUp = await t.mutation(api.console.cleanup, {
      workflowIds: [ended, running[0]!],
    });
    expect(cleanedUp).toMatchObject({
      done: 1,
      failures: [
        {
          workflowId: running[0],
          error: expect.stringMatching(/in progress/),
        },
      ],
    });
    const { page } = await t.query((ctx) => manager.list(ctx));
    expect(page.map(({ workflowId }) => workflowId)).toEqual(running);
  });

  test("a run that can't be changed isn't changed partially", async () => {
    const t = newBackend();
    const id = await insertRun(t, {
      runResult: { kind: "failed", error: "no" },
      args: { handler: "main" },
    });
    await insertSteps(t, id, { from: 0, to: 2 });
    const before = await everything(t);
    const { failures } = await t.mutation(api.console.restart, {
      ...{ workflowIds: [id], from: "no such step" },
    });
    expect(failures).toEqual([
      { workflowId: id, error: expect.stringMatching(/no such step/) },
    ]);
    expect(await everything(t)).toEqual(before);
  });

  test("restart takes a step by number, by name, or the last failure", async () => {
    const t = newBackend();
    let fails = true;
    script("mutation", "may fail", () => {
      if (fails) throw new Error("no");
      return 2;
    });
    const { workflowId, status } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      return await step.runMutation(steps.mutation, { name: "may fail" });
    });
    expect(status.type).toBe("failed");
    fails = false;
    const workflowIds = [workflowId];
    for (const place of [
      { fromFailure: true },
      { from: 1 },
      { from: "steps:mutation" },
    ]) {
      const asked = { workflowIds, ...place };
      const done = await t.mutation(api.console.restart, asked);
      expect(done).toEqual({ done: 1, failures: [], left: [] });
      await drain();
      expect(await statusOf(t, workflowId)).toEqual({
        ...{ type: "completed", result: 2 },
      });
    }
  });

  test("refuse more than 50 runs", async () => {
    const t = newBackend();
    const workflowIds = Array.from({ length: 51 }, (_, n) => `id ${n}`);
    for (const operation of ["cancel", "restart", "cleanup"] as const)
      await expect(
        t.mutation(api.console[operation], { workflowIds }),
      ).rejects.toThrow(
        `Can't ${operation} 51 runs in one call. The maximum is 50.`,
      );
  });

  test("return runs that exceed the transaction, for another call", async () => {
    const t = newBackend({ transactionLimits: true });
    let left: string[] = [];
    for (let n = 0; n < 12; n++) {
      const id = await insertRun(t);
      left.push(id);
      await insertSteps(t, id, { from: 0, to: 4 }, () => ({
        step: { args: { LARGE }, inProgress: true, runResult: undefined },
      }));
    }
    let calls = 0;
    let done = 0;
    while (left.length > 0) {
      expect(++calls).toBeLessThan(12);
      const result = await t.mutation(api.console.cancel, {
        workflowIds: left,
      });
      expect(result.failures).toEqual([]);
      done += result.done;
      left = result.left;
    }
    expect(done).toBe(12);
    expect(calls).toBeGreaterThan(1);
    const counts = (await t.query(api.console.stats, {})).counts;
    expect(counts).toMatchObject({ canceled: 12, inProgress: 0 });
  });
});

describe("sendEvent", () => {
  test("sends a value or an error by name", async () => {
    const t = newBackend();
    const value = { list: [1, null], many: 10n, bytes: new ArrayBuffer(2) };
    const workflowId = await waits(t);
    const sent = { workflowId, name: "go", value };
    expect(await t.mutation(api.console.sendEvent, sent)).toBeNull();
    await drain();
    expect(await statusOf(t, workflowId)).toEqual({
      type: "completed",
      result: value,
    });
    const other = await waits(t);
    const error = "refused";
    const failed = { workflowId: other, name: "go", error };
    await t.mutation(api.console.sendEvent, failed);
    await drain();
    expect(await statusOf(t, other)).toMatchObject({ type: "failed" });
  });

  test("sends an event by id only if it belongs to that run", async () => {
    const t = newBackend();
    const [mine, other] = [await waits(t), await waits(t)];
    const run = (await t.query(api.console.getRun, { workflowId: other }))!;
    const { eventId } = run.events.page[0]!;
    authorize(({ workflowId }) => workflowId === mine);
    const send = (workflowId: string) =>
      t.mutation(api.console.sendEvent, { workflowId, eventId, value: 1 });
    const error = await thrownBy(send(mine));
    expect(error.data).toMatchObject({ code: "EVENT_NOT_FOUND" });
    await expect(send(other)).rejects.toThrow("Not authorized");
    await drain();
    expect(await statusOf(t, other)).toMatchObject({ type: "inProgress" });
    authorize(() => true);
    await send(other);
    await drain();
    expect(await statusOf(t, other)).toEqual({ type: "completed", result: 1 });
  });

  test("refuses a run that has ended, and an event without a name and an id", async () => {
    const t = newBackend();
    const workflowId = await waits(t);
    const send = (event: object) =>
      thrownBy(t.mutation(api.console.sendEvent, { workflowId, ...event }));
    expect((await send({})).data).toMatchObject({ code: "INVALID_ARGUMENT" });
    await t.mutation(api.console.cancel, { workflowIds: [workflowId] });
    expect((await send({ name: "go" })).data).toMatchObject({
      code: "WORKFLOW_FINISHED",
    });
  });
});

test("a console uses its manager's component", async () => {
  const t = newBackend({ other: true });
  const id = await t.mutation((ctx) =>
    manager.start(
      ctx,
      workflows.workflow,
      { handler: "none" },
      { startAsync: true },
    ),
  );
  const { page } = await t.query(api.console.listRuns, {
    paginationOpts: FIRST,
  });
  expect(page.map(({ workflowId }) => workflowId)).toEqual([id]);
});
