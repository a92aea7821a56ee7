import { describe, expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import {
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
import { startWithOnComplete } from "../../testing/managing.js";
import { send } from "../../testing/events.js";
import { completed } from "../../testing/statuses.js";
import { cancel, cleanup, restart } from "../../client/index.js";

// What happens to a run in the midst of a turn that its driver takes: the driver does nothing more.

useBackend();

const { workflow } = components;

/** An action that counts how often it begins. */
function counted(name = "act") {
  const begun: string[] = [];
  script("action", name, (_ctx, input: string) => {
    begun.push(input);
    return input;
  });
  return begun;
}

const act = (step: Parameters<Handler>[0], input: string) =>
  step.runAction(steps.action, { name: "act", input });

const inlineCall = (step: Parameters<Handler>[0], name: string) =>
  step.runMutation(
    steps.mutation,
    { name, input: step.workflowId },
    { inline: true },
  );

describe("a turn of a driver in which an inline step", () => {
  test("cancels the run: the action that it reported is not begun again", async () => {
    const t = newBackend({ execution: "driver" });
    const begun = counted();
    script("mutation", "cancel", (ctx, id) => cancel(ctx, workflow, id));
    const { status } = await runHandler(t, async (step) => {
      await act(step, "a");
      await inlineCall(step, "cancel");
    });
    expect(status).toEqual({ type: "canceled" });
    expect(begun).toEqual(["a"]);
  });

  test("cancels the run after the next step was recorded: that is not begun", async () => {
    const t = newBackend({ execution: "driver" });
    const begun = counted();
    script("mutation", "cancel", (ctx, id) => cancel(ctx, workflow, id));
    const workflowId = await startHandler(t, async (step) => {
      await act(step, "a");
      const next = act(step, "b");
      // The event is there already: the same turn continues, with the next step recorded.
      await step.awaitEvent({ name: "go" });
      await inlineCall(step, "cancel");
      await next;
    });
    await send(t, { workflowId, name: "go" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual({ type: "canceled" });
    expect((await journal(t, workflowId)).length).toBeGreaterThan(1);
    expect(begun).toEqual(["a"]);
  });

  test("restarts the run from its first step: nothing of the turn is left in the journal", async () => {
    const t = newBackend({ execution: "driver" });
    const begun = counted();
    let restarts = true;
    script("mutation", "restart once", async (ctx, id) => {
      restarts = false;
      await cancel(ctx, workflow, id);
      await restart(ctx, workflow, id, { from: 0, startAsync: true });
    });
    const { status, workflowId } = await runHandler(t, async (step) => {
      await act(step, "a");
      if (restarts) await inlineCall(step, "restart once");
      return await act(step, "b");
    });
    expect(status).toEqual(completed("b"));
    expect(begun).toEqual(["a", "a", "b"]);
    const recorded = await journal(t, workflowId);
    expect(recorded.map(({ stepNumber }) => stepNumber)).toEqual([0, 1]);
  });
});

describe("an action that is not awaited, asked for by the turn that ends the run,", () => {
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

  test("because its journal has grown too large, is begun", async () => {
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
        // The event is there already, so this turn goes on.
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
