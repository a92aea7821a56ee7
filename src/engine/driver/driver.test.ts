import { createFunctionHandle } from "convex/server";
import { describe, expect, test } from "vitest";
import {
  components,
  internal as app,
} from "../../testing/app/_generated/api.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  drain,
  effects,
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
import { Calls } from "../../testing/calls.js";
import { insertRun } from "../../testing/managing.js";
import {
  act,
  child,
  configure,
  echo,
  slow,
  takeTurn,
} from "../../testing/scenes.js";
import { completed } from "../../testing/statuses.js";
import {
  start,
  type EventId,
  type StartOptions,
  type WorkflowCtx,
} from "../../client/index.js";
import { MINUTE } from "../../testing/units.js";

useBackend();

const theRun = async (t: Backend) => (await rows(t, "workflows"))[0]!;

describe("after steps that are refused at once", () => {
  type Refused = (step: WorkflowCtx) => Promise<unknown>;
  const refusals: [string, Refused][] = [
    ["large arguments", (step) => echo(step, "x".repeat(1_100_000))],
    ["half a character", (step) => echo(step, "\ud800")],
    ["a child's large arguments", (step) => child(step, "x".repeat(1_100_000))],
    [
      "an unknown event id",
      (step) => step.awaitEvent({ id: "none" as EventId }),
    ],
  ];
  const nexts: [string, Refused][] = [
    ["query", (step) => step.runQuery(steps.echoQuery, { value: 2 })],
    ["mutation", (step) => echo(step, 2)],
    ["action", (step) => step.runAction(steps.echoAction, { value: 2 })],
  ];

  test.each(
    refusals.flatMap(([what, refused]) =>
      nexts.map(([next, call]) => [what, next, refused, call] as const),
    ),
  )(
    "because of %s, the next %s is executed",
    async (_what, next, refused, call) => {
      const t = newBackend({ execution: "driver" });
      const { status, workflowId } = await runHandler(t, async (step) => {
        await echo(step, 1);
        const [first] = await Promise.allSettled([refused(step)]);
        await refused(step).catch(() => undefined);
        return [first.status, await call(step)];
      });
      expect(status).toEqual(completed(["rejected", 2]));
      const drivenBy = (await journal(t, workflowId)).map(
        (row) => row.drivenBy,
      );
      // A scheduled driver hands over to one in the pool for an action, and executes anything else itself.
      const last = next === "action" ? 2 : 1;
      expect(drivenBy).toEqual([1, undefined, undefined, last]);
    },
  );
});

test("a step of a driver that its run no longer has starts a new one", async () => {
  const t = newBackend({ execution: "driver" });
  const workflowId = await startHandler(t, (step) => step.sleep(1000));
  const handle = await t.mutation(() => createFunctionHandle(steps.echo));
  await t.mutation((ctx) =>
    ctx.runMutation(components.workflow.journal.commit, {
      workflowId,
      generationNumber: 0,
      caller: { driver: 1, shouldHandOver: false, willReceiveReply: true },
      inFlight: 0,
      steps: [
        {
          stepNumber: 1,
          step: {
            kind: "function",
            functionType: "mutation",
            name: "echo",
            handle,
            args: { value: 1 },
            argsSize: 1,
            inProgress: true,
            startedAt: 1,
          },
        },
      ],
    }),
  );
  expect((await journal(t, workflowId))[1]!.drivenBy).toBe(1);
  expect((await theRun(t)).driver).toBeDefined();
});

describe("runs in the pool without a waiting driver:", () => {
  test.each<[string, Handler]>([
    [
      "a step that is to start later",
      (step) => echo(step, 1, { runAfter: 5000 }),
    ],
    [
      "each of several steps",
      (step) =>
        Promise.all([
          echo(step, 1),
          step.runQuery(steps.echoQuery, { value: 1 }),
        ]),
    ],
    [
      "a step beside a child",
      (step) => Promise.all([child(step), echo(step, 1)]),
    ],
    [
      "a step beside one that is in flight already",
      async (step) => {
        const delayed = echo(step, 1, { runAfter: 5000 });
        await step.sleep(10);
        await echo(step, 2);
        await delayed;
      },
    ],
  ])("%s", async (_what, handler) => {
    const t = newBackend({ execution: "driver" });
    script("handler", "child", (step) => step.sleep(1000));
    const { workflowId, status } = await runHandler(t, handler);
    expect(status).toMatchObject({ type: "completed" });
    for (const { step, drivenBy } of await journal(t, workflowId))
      if ("functionType" in step)
        expect([drivenBy, typeof step.workId]).toEqual([undefined, "string"]);
    expect((await theRun(t)).driver).toBeUndefined();
  });
});

test("a sleep that ends while a driver executes an action is delivered first, and the driver continues with the changed journal", async () => {
  const t = newBackend({ execution: "driver" });
  slow("slow", 1000);
  const { workflowId, status } = await runHandler(t, async (step) => {
    // From now on, it holds a copy of the journal.
    await step.runAction(steps.echoAction, { value: 0 });
    const slept = step.sleep(500).then(() => "slept");
    const acted = act(step, "slow");
    const first = await Promise.race([slept, acted]);
    return [first, await acted, await echo(step, 1)];
  });
  expect(status).toMatchObject({ result: ["slept", "slow", 1] });
  const orders = (await journal(t, workflowId)).map((row) => row.delivery);
  expect(orders.map((place) => place?.order)).toEqual([0, 1, 2, 3]);
});

test.each(["mutation", "action"] as const)(
  "a %s requested by the turn that ends the run is executed",
  async (type) => {
    const t = newBackend({ execution: "driver" });
    const begun = slow("slow", 10);
    const { workflowId } = await runHandler(t, async (step) => {
      await echo(step, 1);
      if (type === "mutation") void echo(step, 2);
      else void act(step, "slow");
      return "done";
    });
    const last = (await journal(t, workflowId)).at(-1)!;
    expect(last.step.runResult).toMatchObject({ kind: "success" });
    expect(
      type === "mutation" ? (await effects(t)).length : 1 + begun.length,
    ).toBe(2);
    expect((await theRun(t)).driver).toBeUndefined();
  },
);

describe("a driver that waits for its turn in the pool", () => {
  test("isn't replaced if it began just before the check", async () => {
    let refusals = 3;
    const tried: number[] = [];
    const calls = new Calls(({ component, args }) => {
      if (component !== "" || !args["drive"]) return;
      tried.push(Date.now());
      if (refusals-- > 0) throw new Error("Too many concurrent requests");
    });
    const t = newBackend({ execution: "driver", wrap: calls.wrap });
    await configure(t, { maxParallelism: 0 });
    const began = Date.now();
    const workflowId = await startHandler(t, (step) => echo(step, 1));
    // The watchdog checks after one minute and after two.
    const checkedAt = began + 2 * MINUTE;
    await advance(2 * MINUTE - 800);
    await configure(t, { maxParallelism: 5 });
    await advance(MINUTE);
    expect(tried[0]).toBeLessThan(checkedAt);
    expect(tried.at(-1)).toBeGreaterThan(checkedAt);
    expect(await statusOf(t, workflowId)).toMatchObject({ result: 1 });
    expect(await journal(t, workflowId)).toMatchObject([{ drivenBy: 1 }]);
  });
});

// Options that set how steps are executed. `utils:updateConfig` also affects runs in flight from their
// next step.

/** Each kind of step follows each other kind. */
const KINDS = [
  ...["action", "mutation", "query", "action", "action"],
  ...["query", "mutation", "mutation", "query", "query"],
] as const;

const everyKind: Handler = async (step) => {
  const found: unknown[] = [];
  for (const [at, kind] of KINDS.entries()) {
    const call = { name: "work", input: at };
    if (kind === "action") found.push(await step.runAction(steps.action, call));
    else if (kind === "query")
      found.push(await step.runQuery(steps.query, call));
    else found.push(await step.runMutation(steps.mutation, call));
  }
  return found;
};

async function modes(t: Backend, workflowId: string) {
  return (await journal(t, workflowId)).map(({ drivenBy, step }) => {
    const inPool = "functionType" in step && step.workId !== undefined;
    if (inPool === (drivenBy !== undefined)) return "neither or both";
    return inPool ? "pool" : "driver";
  });
}

const everyStep = KINDS.map((_kind, at) => at);

describe.each([
  ["driver", "pool"],
  ["pool", "driver"],
] as const)("a switch", (from, to) => {
  const title = `from ${from} to ${to} while step %i runs`;
  test.each(everyStep)(title, async (switchedAt) => {
    const t = newBackend({ execution: from });
    const executed: number[] = [];
    let switching: Promise<unknown> = Promise.resolve();
    const work = (at: number) => {
      executed.push(at);
      // Waits until the step's transaction has ended.
      if (at === switchedAt) switching = configure(t, { execution: to });
      return at;
    };
    script("mutation", "work", (_ctx, at: number) => work(at));
    script("query", "work", (_ctx, at: number) => work(at));
    script("action", "work", async (_ctx, at: number) => {
      const result = work(at);
      await switching;
      return result;
    });
    const workflowId = await startHandler(t, everyKind);
    await drain();
    await switching;
    expect(await statusOf(t, workflowId)).toEqual(completed(everyStep));
    expect(executed).toEqual(everyStep);
    const found = await modes(t, workflowId);
    const action = KINDS[switchedAt] === "action";
    // A mutation's or query's transaction may have already started the next step.
    const sure = switchedAt + (action ? 1 : 2);
    expect(found.slice(0, switchedAt + 1)).toEqual(
      found.slice(0, switchedAt + 1).map(() => from),
    );
    expect(found.slice(sure)).toEqual(found.slice(sure).map(() => to));
  });
});

describe("how steps are executed", () => {
  type Execution = "driver" | "pool";

  /** Returns how a run's step was executed. */
  async function executedBy(
    t: Backend,
    workflow: typeof workflows.workflow,
    options: StartOptions = {},
  ): Promise<Execution> {
    script("handler", "main", (step) => echo(step, 1));
    const id = await t.mutation((ctx) =>
      start(ctx, workflow, { handler: "main" }, options),
    );
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: 1 });
    const [row] = await journal(t, id);
    return row!.drivenBy === undefined ? "pool" : "driver";
  }

  test("is by drivers unless an option changes it", async () => {
    const t = newBackend();
    await inComponent(t, async (ctx) => {
      for (const { _id } of await ctx.db.query("config").collect())
        await ctx.db.delete("config", _id);
    });
    expect(await executedBy(t, workflows.workflow)).toBe("driver");
  });

  const { pooledByManager, pooledByWorkflow, drivenByWorkflow } = app.managed;

  test.each([
    ["the component's config", "pool", workflows.workflow, {}, "pool"],
    ["a manager, before the config", "driver", pooledByManager, {}, "pool"],
    ["a workflow, before the config", "driver", pooledByWorkflow, {}, "pool"],
    ["a workflow, before its manager", "pool", drivenByWorkflow, {}, "driver"],
    [
      "start, before all others",
      "driver",
      drivenByWorkflow,
      { execution: "pool" },
      "pool",
    ],
    [
      "start, before all others, again",
      "pool",
      pooledByWorkflow,
      { execution: "driver" },
      "driver",
    ],
  ] as const)(
    "can be set by %s",
    async (_whom, execution, workflow, options, expected) => {
      const t = newBackend({ execution });
      const found = await executedBy(t, workflow, options);
      expect(found).toBe(expected);
    },
  );

  test("is by the pool for a run that 0.4 began", async () => {
    const t = newBackend({ execution: "driver" });
    script("handler", "main", (step) => echo(step, 1));
    const workflowId = await insertRun(t, { engineVersion: undefined });
    await takeTurn(t, workflowId);
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: 1 });
    expect(await modes(t, workflowId)).toEqual(["pool"]);
  });

  test("also applies to a run's children if it is set at start", async () => {
    const t = newBackend({ execution: "driver" });
    script("handler", "child", (step) => echo(step, 1));
    script("handler", "main", (step) => child(step));
    await t.mutation((ctx) =>
      start(
        ctx,
        workflows.workflow,
        { handler: "main" },
        { execution: "pool" },
      ),
    );
    await drain();
    const runs = await rows(t, "workflows");
    expect(runs.map(({ drivers }) => drivers)).toEqual([undefined, undefined]);
  });
});
