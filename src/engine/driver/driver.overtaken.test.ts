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
import { cancel, cleanup, restart, sendEvent } from "../../client/index.js";

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

function scriptChanges() {
  script("mutation", "cancel", (ctx, id) => cancel(ctx, workflow, id));
}

describe("a turn of a driver in which an inline step", () => {
  test("cancels the run: the action that it reported is not begun again", async () => {
    const t = newBackend({ execution: "driver" });
    const begun = counted();
    scriptChanges();
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
    scriptChanges();
    const workflowId = await startHandler(t, async (step) => {
      await act(step, "a");
      const next = act(step, "b");
      // The event is there already: the same turn continues, with the next step recorded.
      await step.awaitEvent({ name: "go" });
      await inlineCall(step, "cancel");
      await next;
    });
    await t.mutation((ctx) =>
      sendEvent(ctx, workflow, { workflowId, name: "go" }),
    );
    await drain();
    expect(await statusOf(t, workflowId)).toEqual({ type: "canceled" });
    expect((await journal(t, workflowId)).length).toBeGreaterThan(1);
    expect(begun).toEqual(["a"]);
  });

  test("restarts the run from its first step: nothing of the turn is left in the journal", async () => {
    const t = newBackend({ execution: "driver" });
    const begun = counted();
    scriptChanges();
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
    expect(status).toEqual({ type: "completed", result: "b" });
    expect(begun).toEqual(["a", "a", "b"]);
    const recorded = await journal(t, workflowId);
    expect(recorded.map(({ stepNumber }) => stepNumber)).toEqual([0, 1]);
  });
});

describe("an action that is not awaited, asked for by the turn that ends the run,", () => {
  const onlyAction: Handler = async (step) => {
    void act(step, "last");
  };
  const afterAStep: Handler = async (step) => {
    await step.runAction(steps.echoAction, { value: 1 });
    void act(step, "last");
  };
  const turns = [
    ["the first turn", onlyAction],
    ["a driver's", afterAStep],
  ] as const;

  describe.each(turns)("%s,", (_which, handler) => {
    const EXECUTIONS = ["driver", "pool"] as const;
    test.each(EXECUTIONS)(
      "when onComplete restarts the run: the restart alone begins it (%s)",
      async (execution) => {
        const t = newBackend({ execution });
        const begun = counted();
        let ends = 0;
        await startWithOnComplete(t, handler, async (ctx, { workflowId }) => {
          if (ends++ > 0) return;
          const options = { from: 0, startAsync: true };
          await restart(ctx, workflow, workflowId, options);
        });
        await drain();
        expect(begun).toEqual(["last"]);
      },
    );

    test.each(EXECUTIONS)(
      "is begun though onComplete cleans the run up (%s)",
      async (execution) => {
        const t = newBackend({ execution });
        const begun = counted();
        await startWithOnComplete(t, handler, (ctx, { workflowId }) =>
          cleanup(ctx, workflow, workflowId),
        );
        await drain();
        expect(begun).toEqual(["last"]);
        expect(await rows(t, "workflows")).toEqual([]);
      },
    );
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
    await t.mutation((ctx) =>
      sendEvent(ctx, workflow, { workflowId, name: "go" }),
    );
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
