import type { FunctionReference } from "convex/server";
import type { WorkflowCtx } from "../client/index.js";
import { MINUTE } from "./units.js";

type Ref<Type extends "mutation" | "action"> = FunctionReference<
  Type,
  "internal",
  { value: unknown },
  unknown
>;

/** The functions of the app under test. */
export interface LateRejectionSteps {
  echo: Ref<"mutation">;
  echoAction: Ref<"action">;
  /** Throws "boom". */
  fail: Ref<"mutation">;
}

interface LateRejection {
  handler: (step: WorkflowCtx) => Promise<unknown>;
  /** The run's return value, or a pattern for its error. */
  ends: { returns: unknown } | { fails: RegExp };
}

/** Handlers whose branches fail before anything awaits them. They must behave the same on every backend. */
export function lateRejections({
  echo,
  echoAction,
  fail,
}: LateRejectionSteps): Record<string, LateRejection> {
  const boom = (step: WorkflowCtx, inline = false) =>
    step.runMutation(fail, { value: "boom" }, { inline });
  const branch = async (step: WorkflowCtx, inline = false) => {
    await boom(step, inline);
    return "never";
  };
  const caught = async (promise: Promise<unknown>): Promise<string> => {
    try {
      return `not caught: ${String(await promise)}`;
    } catch (error) {
      return `caught ${(error as Error).message.slice(0, 20)}`;
    }
  };
  const outcomes = async (promises: Promise<unknown>[]) => {
    const all: unknown[] = [];
    for (const promise of promises)
      try {
        all.push(await promise);
      } catch {
        all.push("failed");
      }
    return all;
  };

  return {
    handledAfterASleep: {
      handler: async (step) => {
        const failing = branch(step);
        await step.sleep(MINUTE);
        return (await caught(failing)).startsWith("caught");
      },
      ends: { returns: true },
    },
    stepHandledAfterASleep: {
      handler: async (step) => {
        const failing = boom(step);
        await step.sleep(MINUTE);
        return (await caught(failing)).startsWith("caught");
      },
      ends: { returns: true },
    },
    handledAfterManySteps: {
      handler: async (step) => {
        const failing = branch(step);
        for (let n = 0; n < 5; n++) await step.runMutation(echo, { value: n });
        return (await caught(failing)).startsWith("caught");
      },
      ends: { returns: true },
    },
    /** Processes items in parallel, and collects them one after another. */
    collectedInOrder: {
      handler: async (step) =>
        await outcomes(
          [0, 1, 2, 3, 4].map(async (n) =>
            n % 2 === 1
              ? await branch(step)
              : await step.runAction(
                  echoAction,
                  { value: n },
                  n === 0 ? { runAfter: MINUTE } : {},
                ),
          ),
        ),
      ends: { returns: [0, "failed", 2, "failed", 4] },
    },
    collectedInReverse: {
      handler: async (step) => {
        const slow = step.sleep(MINUTE);
        const failing = [0, 1, 2, 3].map(() => branch(step));
        await slow;
        return await outcomes(failing.reverse());
      },
      ends: { returns: Array(4).fill("failed") },
    },
    ownErrorAfterAStep: {
      handler: async (step) => {
        const first = step.runMutation(echo, { value: 1 });
        const failing = first.then(() => {
          throw new Error("mine");
        });
        await step.sleep(MINUTE);
        return await caught(failing);
      },
      ends: { returns: "caught mine" },
    },
    /** The failure is delivered when the branch is awaited, even while other steps are in flight. */
    handledWhileOthersAreInFlight: {
      handler: async (step) => {
        const day = step.sleep(24 * 60 * MINUTE).then(() => "day");
        const failing = branch(step);
        await step.runMutation(echo, { value: 1 });
        await caught(failing);
        const handled = step
          .runMutation(echo, { value: 2 })
          .then(() => "handled");
        return await Promise.race([day, handled]);
      },
      ends: { returns: "handled" },
    },
    forgotten: {
      handler: async (step) => {
        void branch(step);
        await step.sleep(MINUTE);
        await step.runMutation(echo, { value: 1 });
        return "done";
      },
      ends: { returns: "done" },
    },
    forgottenBesideHandled: {
      handler: async (step) => {
        void branch(step);
        const failing = branch(step);
        void branch(step);
        await step.sleep(MINUTE);
        return (await caught(failing)).startsWith("caught");
      },
      ends: { returns: true },
    },
    forgottenDerived: {
      handler: async (step) => {
        void boom(step).then((value: unknown) => value);
        void boom(step).finally(() => undefined);
        await step.sleep(MINUTE);
        return "done";
      },
      ends: { returns: "done" },
    },
    refusedAndForgotten: {
      handler: async (step) => {
        void step.sleep(NaN);
        const refused = step.sleep(NaN);
        await step.runMutation(echo, { value: 1 });
        return await caught(refused);
      },
      ends: { returns: "caught Invalid duration of " },
    },
    inline: {
      handler: async (step) => {
        const failing = branch(step, true);
        await step.runMutation(echo, { value: 1 }, { inline: true });
        await step.sleep(MINUTE);
        return (await caught(failing)).startsWith("caught");
      },
      ends: { returns: true },
    },
    awaitedByNobodyElse: {
      handler: async (step) => {
        void branch(step);
        await new Promise(() => {});
      },
      ends: { fails: /leaves a rejected promise.*step 0 .*boom[^]*Await/ },
    },
    /** The result that the handler awaits is the one that fails a branch. */
    ofTheStepThatIsAwaited: {
      handler: async (step) => {
        const shared = step.runMutation(echo, { value: 1 });
        const failing = shared.then(() => {
          throw new Error("mine");
        });
        await shared;
        await step.runMutation(echo, { value: 2 });
        return await caught(failing);
      },
      ends: { fails: /leaves a rejected promise.*step 0 .*mine[^]*Await/ },
    },
    beforeAnyStep: {
      handler: async (step) => {
        const failing = (async () => {
          await Promise.resolve();
          throw new Error("mine");
        })();
        await step.runMutation(echo, { value: 1 });
        return await caught(failing);
      },
      ends: { fails: /mine[^]*a rejected promise was not handled/ },
    },
  };
}
