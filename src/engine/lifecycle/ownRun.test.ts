import { describe, expect, test } from "vitest";
import {
  components,
  drain,
  effects,
  endings,
  journal,
  newBackend,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import {
  insertRun,
  listenToConsole,
  rowCounts,
} from "../../testing/managing.js";
import { echo, takeTurn, times } from "../../testing/scenes.js";
import {
  cancel,
  cleanup,
  restart,
  type RunMutationCtx,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";
import { MINUTE } from "../../testing/units.js";

// Steps that manage their own run. For events that they send, see events.ownRun.test.ts.

useBackend();
listenToConsole();

const { workflow } = components;

const CANCELED = { type: "canceled" };
const GONE = {};

type Act = (name: string) => Promise<unknown>;

const acts: [
  string,
  (step: WorkflowCtx, act: Act) => Promise<unknown>,
  object,
  string,
][] = [
  [
    "cancels its own run: it is canceled once, and the mutation's writes stay",
    async (step, act) => {
      await echo(step, "before");
      await act("cancel");
      await echo(step, "after");
    },
    CANCELED,
    "before canceled",
  ],
  [
    "cancels its own run while siblings are in flight: they don't run",
    async (step, act) => {
      await step.sleep(1);
      await Promise.all([
        echo(step, "sibling", { runAfter: MINUTE }),
        step.sleep(MINUTE),
        act("cancel"),
      ]);
    },
    CANCELED,
    "canceled",
  ],
  [
    "cancels and restarts its own run: the mutation's result is kept, so it is not executed again",
    async (step, act) => [
      await echo(step, "before"),
      await act("cancel and restart"),
      await echo(step, "after"),
    ],
    completed(["before", "restarted", "after"]),
    "before again after",
  ],
  [
    "cancels and restarts its own run as its first step",
    async (step, act) => [
      await act("cancel and restart"),
      await echo(step, "after"),
    ],
    completed(["restarted", "after"]),
    "again after",
  ],
  [
    "restarts its own run beside other steps, which the restart starts again",
    (step, act) =>
      Promise.all([
        echo(step, "early", { runAfter: 5000 }),
        act("cancel and restart"),
        step.runAction(steps.echoAction, { value: "late" }),
      ]),
    completed(["early", "restarted", "late"]),
    "again early",
  ],
  [
    "restarts its own run in several transactions",
    async (step, act) => {
      const queries = times(300, (value) =>
        step.runQuery(steps.echoQuery, { value }, { inline: true }),
      );
      const { length } = await Promise.all(queries);
      return [length, await act("cancel and restart")];
    },
    completed([300, "restarted"]),
    "again",
  ],
  [
    "cancels and cleans up its own run: nothing is left",
    async (step, act) => {
      await echo(step, "before");
      void step.sleep(MINUTE);
      await act("cancel and clean up");
      await echo(step, "after");
    },
    GONE,
    "before gone",
  ],
];

/** Runs a mutation step in the pool or inside the turn. */
describe.each([
  ["by the pool", {}],
  ["inline", { inline: true }],
] as const)("a mutation that runs %s", (_way, options) => {
  test.each(acts)("%s", async (_what, handler, status, did) => {
    const t = newBackend();
    const scriptAct = (
      name: string,
      value: string,
      then: (ctx: RunMutationCtx, id: WorkflowId) => Promise<unknown>,
    ) =>
      script("mutation", name, async (ctx, id: WorkflowId) => {
        await ctx.db.insert("effects", { key: "act", value });
        await cancel(ctx, workflow, id);
        return await then(ctx, id);
      });
    scriptAct("cancel", "canceled", async () => "canceled");
    scriptAct("cancel and restart", "again", async (ctx, id) => {
      await restart(ctx, workflow, id, { startAsync: true });
      return "restarted";
    });
    scriptAct("cancel and clean up", "gone", (ctx, id) =>
      cleanup(ctx, workflow, id),
    );
    const id = await startHandler(
      t,
      (step) =>
        handler(step, (name) => {
          const call = { name, input: step.workflowId };
          return step.runMutation(steps.mutation, call, options);
        }),
      { context: "mine" },
    );
    await drain();
    expect((await effects(t)).join(" ")).toBe(did);
    const goesOn = status !== CANCELED && status !== GONE;
    const ends = (await endings(t)).map(({ result }) => result.kind);
    expect(ends).toEqual(goesOn ? ["canceled", "success"] : ["canceled"]);
    if (status === GONE) {
      await expect(statusOf(t, id)).rejects.toThrow(id);
      return expect(await rowCounts(t)).toEqual({});
    }
    expect(await statusOf(t, id)).toEqual(status);
    const numbers = (await journal(t, id)).map((row) => row.stepNumber);
    expect(numbers).toEqual(times(numbers.length, (at) => at));
  });
});

describe.each(["driver", "pool"] as const)(
  "an inline step that finds its own run in a table (%s)",
  (execution) => {
    /** The run's id is stored in an order, not passed to the step. */
    async function runOfOrder(handler: (step: WorkflowCtx) => unknown) {
      const t = newBackend({ execution });
      script("mutation", "of order", async (ctx, act) => {
        const stored = await ctx.db.query("effects").collect();
        const order = stored.find(({ key }) => key === "order");
        const id = order!.value as WorkflowId;
        await cancel(ctx, workflow, id);
        if (act !== "cancel") await restart(ctx, workflow, id, act);
      });
      const id = await startHandler(t, async (step) => {
        await step.sleep(1000);
        return await handler(step);
      });
      await t.run((ctx) =>
        ctx.db.insert("effects", { key: "order", value: id }),
      );
      await drain();
      const done = (await effects(t)).filter((value) => value !== id);
      return { t, id, done, status: await statusOf(t, id) };
    }
    const inline = { inline: true };
    const actOn = (step: WorkflowCtx, input: unknown) =>
      step.runMutation(steps.mutation, { name: "of order", input }, inline);
    const echoInline = (step: WorkflowCtx, value: string) =>
      echo(step, value, { inline: true });

    test("and cancels it is the last inline step to begin", async () => {
      const { done, status } = await runOfOrder(async (step) => {
        await echoInline(step, "before");
        await Promise.all([actOn(step, "cancel"), echoInline(step, "beside")]);
        await echoInline(step, "after");
      });
      expect(status).toEqual(CANCELED);
      expect(done).toEqual(["before"]);
    });

    test("and restarts it lets each following step run exactly once", async () => {
      const { t, id, done, status } = await runOfOrder(async (step) => {
        await echoInline(step, "before");
        await actOn(step, { startAsync: true });
        await echoInline(step, "after");
        return "done";
      });
      expect(status).toEqual(completed("done"));
      expect(done).toEqual(["before", "after"]);
      expect(await journal(t, id)).toHaveLength(4);
    });

    test("and restarts it at once before earlier steps are recorded rolls back that turn", async () => {
      let restarts = 0;
      const { done, status } = await runOfOrder(async (step) => {
        await echoInline(step, "before");
        if (restarts++ < 5) await actOn(step, { startAsync: false });
        return "done";
      });
      expect(status).toMatchObject({
        type: "failed",
        error: expect.stringContaining("Pass startAsync: true") as string,
      });
      expect(done).toEqual([]);
    });
  },
);

test("in a run of 0.4, no inline step begins after one that cancels it, however it found the run", async () => {
  const t = newBackend();
  const id = await insertRun(t, { engineVersion: undefined });
  script("mutation", "cancel", (ctx) => cancel(ctx, workflow, id));
  script("handler", "main", async (step: WorkflowCtx) => {
    await step.sleep(1000);
    await Promise.all([
      step.runMutation(steps.mutation, { name: "cancel" }, { inline: true }),
      echo(step, "beside", { inline: true }),
    ]);
  });
  await takeTurn(t, id);
  await drain();
  expect(await statusOf(t, id)).toEqual({ type: "canceled" });
  expect(await effects(t)).toEqual([]);
});
