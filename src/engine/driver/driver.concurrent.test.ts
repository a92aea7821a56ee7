import { describe, expect, test } from "vitest";
import { Calls } from "../../testing/calls.js";
import type { Handler } from "../../testing/app/scripts.js";
import { startWithOnComplete } from "../../testing/managing.js";
import { send } from "../../testing/events.js";
import {
  advance,
  components,
  drain,
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
import { act, echo, slow, times } from "../../testing/scenes.js";
import { completed } from "../../testing/statuses.js";
import { nested } from "../../testing/storable.js";
import {
  cancel,
  cleanup,
  restart,
  sendEvent,
  type WorkflowCtx,
} from "../../client/index.js";

// Other changes to a driver's run, even during its turn, and their costs.

useBackend();

const { workflow } = components;

function watched() {
  const calls = new Calls();
  const t = newBackend({ execution: "driver", wrap: calls.wrap });
  return { t, calls };
}

/** Scripts mutations that change the run of their step. */
function scriptChanges() {
  let restarts = 0;
  script("mutation", "send", (ctx, { workflowId, name }) =>
    sendEvent(ctx, workflow, { workflowId, name }),
  );
  script("mutation", "cancel", (ctx, { workflowId }) =>
    cancel(ctx, workflow, workflowId),
  );
  script(
    "mutation",
    "restart once",
    async (ctx, { workflowId, ...options }) => {
      if (restarts++ > 0) return "not again";
      await cancel(ctx, workflow, workflowId);
      await restart(ctx, workflow, workflowId, options);
    },
  );
}

/** Runs one of these mutations as a step. */
const change = (
  step: WorkflowCtx,
  name: string,
  more: object = {},
  options?: { inline: true },
) =>
  step.runMutation(
    steps.mutation,
    { name, input: { workflowId: step.workflowId, ...more } },
    options,
  );
const inline = { inline: true } as const;

/** Scripts actions that record their start. */
function counted() {
  const begun: string[] = [];
  for (const [name, ms] of Object.entries({ a: 1000, b: 5000, last: 0 }))
    script("action", name, async () => {
      begun.push(name);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return name;
    });
  return begun;
}

test.each<[string, Handler, { status: object; begun: string[] }]>([
  [
    "restarts the run finds the driver's action completed, so the action doesn't run again",
    async (step) => {
      const first = act(step, "a");
      const other = step.sleep(100).then(() => act(step, "b"));
      await first;
      await change(step, "restart once", {}, inline);
      return await other;
    },
    { status: completed("b"), begun: ["a", "b", "b"] },
  ],
  [
    "restarts the run from its first step leaves nothing in the journal",
    async (step) => {
      await act(step, "a");
      const options = { from: 0, startAsync: true };
      const again = await change(step, "restart once", options, inline);
      return [again, await act(step, "last")];
    },
    {
      status: completed(["not again", "last"]),
      begun: ["a", "a", "last"],
    },
  ],
  [
    "cancels the run doesn't run the reported action again",
    async (step) => {
      await act(step, "a");
      await change(step, "cancel", {}, inline);
    },
    { status: { type: "canceled" }, begun: ["a"] },
  ],
  [
    "cancels the run after the next step was recorded doesn't start that step",
    async (step) => {
      await act(step, "a");
      const next = act(step, "b");
      // The event was already sent, so the same turn continues with the next step recorded.
      await step.awaitEvent({ name: "go" });
      await change(step, "cancel", {}, inline);
      await next;
    },
    { status: { type: "canceled" }, begun: ["a"] },
  ],
  [
    "completes a group with an event wakes the run",
    async (step) => {
      const other = (async () => {
        await step.awaitEvent({ name: "first" });
        await change(step, "send", { name: "last" }, inline);
      })();
      await Promise.all([
        change(step, "send", { name: "first" }),
        step.awaitEvent({ name: "last" }),
      ]);
      await other;
    },
    { status: completed(null), begun: [] },
  ],
])(
  "an inline step of a driver's turn that %s",
  async (_which, handler, { status, begun }) => {
    const t = newBackend({ execution: "driver" });
    scriptChanges();
    const found = counted();
    const workflowId = await startHandler(t, handler);
    await send(t, { workflowId, name: "go" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(status);
    expect(found).toEqual(begun);
    const recorded = await journal(t, workflowId);
    expect(recorded.map(({ stepNumber }) => stepNumber)).toEqual(
      recorded.map((_row, at) => at),
    );
  },
);

test("a pending turn that a driver took isn't taken again", async () => {
  const { t, calls } = watched();
  scriptChanges();
  await runHandler(t, async (step) => {
    await echo(step, 0);
    const go = (async () => await step.awaitEvent({ name: "go" }))();
    await change(step, "send", { name: "go" });
    await go;
    await step.sleep(1000);
  });
  // The first turn, one after each mutation, and one after the sleep.
  expect(calls.of("journal:beginTurn")).toHaveLength(4);
  // Only the turn after the sleep.
  expect(calls.of("turns:take")).toHaveLength(1);
});

test("a step whose wake condition changes is written once, not in each later turn", async () => {
  const { t, calls } = watched();
  await runHandler(t, async (step) => {
    await echo(step, 0);
    await Promise.all([
      step.awaitEvent({ name: "never" }),
      step.runMutation(steps.fail, { message: "no" }),
    ]).catch(() => undefined);
    for (let value = 1; value < 6; value++)
      await step.runMutation(steps.echo, { value });
  });
  const turns = calls.of("journal:commit");
  expect(turns.filter(({ args }) => args["waits"].length > 0)).toHaveLength(1);
});

test("a fan-out's results during a driver's step don't each write the run's row", async () => {
  const t = newBackend({ execution: "driver" });
  slow("long", 30_000);
  slow("short", 1000);
  await startHandler(t, async (step) => {
    await echo(step, 0);
    const long = act(step, "long");
    await step.sleep(1000);
    await Promise.all(times(20, () => act(step, "short")));
    await long;
  });
  const revision = async () => (await rows(t, "workflows"))[0]!.revision ?? 0;
  await advance(500);
  const before = await revision();
  await advance(20_000);
  expect((await revision()) - before).toBeLessThanOrEqual(1);
  await drain();
});

test.each([
  // The driver reads them.
  ["alone", 1, 3],
  ["beside another", 2, 16],
] as const)(
  "an action's arguments may have the maximum nesting, and its job still fits into a document: an action %s",
  async (_what, actions, deepest) => {
    const { t, calls } = watched();
    const { status } = await runHandler(t, (step) =>
      Promise.all(
        times(actions, () =>
          step.runAction(steps.echoAction, { value: nested(12) }),
        ),
      ),
    );
    expect(status).toMatchObject({ type: "completed" });
    const jobs = calls
      .of("lib:enqueueBatch")
      .flatMap(({ args }) => args["items"] as { fnArgs: unknown }[]);
    const depths = jobs.map(({ fnArgs }) => depthOf({ fnArgs }));
    expect(depths).toHaveLength(actions);
    expect(Math.max(...depths)).toBeLessThanOrEqual(deepest);
  },
);

const depthOf = (value: unknown): number =>
  typeof value !== "object" || value === null
    ? 0
    : 1 + Math.max(0, ...Object.values(value).map(depthOf));

test("a driver that exits without reporting its action's result doesn't leave the run stuck", async () => {
  const calls = new Calls(({ component, path, args }) => {
    const drive = args["drive"] as { stepNumber: number } | undefined;
    if (component === "" && drive?.stepNumber === 1)
      throw new Error("The turn fails");
    if (path === "driving:fallBackToPool" || path === "driving:onComplete")
      throw new Error("Nor is this told");
  });
  const t = newBackend({ execution: "driver", wrap: calls.wrap });
  slow("last", 10);
  const workflowId = await startHandler(t, async (step) => {
    await echo(step, 0);
    return await act(step, "last");
  });
  await drain();
  expect(await statusOf(t, workflowId)).toMatchObject({
    type: "failed",
    error: expect.stringMatching(
      /outcome is unknown.*ended without reporting a result/,
    ) as string,
  });
});

describe("an unawaited action, requested by the turn that ends the run,", () => {
  const ending: Record<string, Handler> = {
    "the first turn": async (step) => void act(step, "last"),
    "a driver's": async (step) => {
      await step.runAction(steps.echoAction, { value: 1 });
      void act(step, "last");
    },
  };
  const turns = Object.entries(ending).flatMap(([turn, handler]) =>
    (["driver", "pool"] as const).map((by) => [turn, by, handler] as const),
  );

  describe.each(turns)("%s, by the %s,", (_turn, execution, handler) => {
    type OnEnd = Parameters<typeof startWithOnComplete>[2];

    test.each<[string, OnEnd, number]>([
      [
        "when onComplete restarts the run: the restart alone begins it",
        (ctx, { workflowId }) =>
          restart(ctx, workflow, workflowId, { from: 0, startAsync: true }),
        1,
      ],
      [
        "is begun though onComplete cleans the run up",
        (ctx, { workflowId }) => cleanup(ctx, workflow, workflowId),
        0,
      ],
    ])("%s", async (_what, onEnd, runs) => {
      const t = newBackend({ execution });
      const begun = counted();
      let ends = 0;
      await startWithOnComplete(t, handler, (ctx, args) =>
        ends++ === 0 ? onEnd(ctx, args) : null,
      );
      await drain();
      expect(begun).toEqual(["last"]);
      expect(await rows(t, "workflows")).toHaveLength(runs);
    });
  });

  test("starts even if the journal has grown too large", async () => {
    const t = newBackend({ execution: "driver" });
    const begun = counted();
    const input = "x".repeat(950_000);
    script("mutation", "take", () => null);
    const take = (step: Parameters<Handler>[0]) =>
      step.runMutation(steps.mutation, { name: "take", input });
    const workflowId = await startHandler(
      t,
      async (step) => {
        for (let i = 0; i < 8; i++) await take(step);
        // The event was already sent, so this turn continues.
        void act(step, "last");
        await step.awaitEvent({ name: "go" });
        await take(step);
      },
      { startAsync: true },
    );
    await send(t, { workflowId, name: "go" });
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({
      type: "failed",
      error: expect.stringMatching(/journal .* too large/) as string,
    });
    expect(begun).toEqual(["last"]);
    const [run] = await rows(t, "workflows");
    expect(run!.driver).toBeUndefined();
  });
});
