import type { WorkflowManager } from "@convex-dev/workflow";
import { Workpool } from "@convex-dev/workpool";
import {
  createFunctionHandle,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { lateRejections } from "../../../../src/testing/lateRejections.js";
import { api, components } from "./references.js";

/** Defines workflows whose handlers make their own host calls, with any release's manager. */
export function defineFlows(workflow: WorkflowManager) {
  const pool = new Workpool(components.pool, { maxParallelism: 2 });
  const { echo, echoAction } = api.steps;
  const late = lateRejections(api.steps);

  /** Makes host calls one after another, and returns the globals that the handler sees after the last. */
  async function hostCalls(count: number) {
    for (let n = 0; n < count; n++) await createFunctionHandle(echo);
    return typeof process;
  }

  return {
    afterHostCalls: workflow
      .define({ args: { count: v.number() } })
      .handler(async (step, { count }) => {
        const seen = await hostCalls(count);
        await step.runMutation(echo, { value: seen });
        return await step.runMutation(echo, { value: typeof process });
      }),

    betweenSteps: workflow
      .define({ args: { count: v.number() } })
      .handler(async (step, { count }) => {
        await step.runMutation(echo, { value: 0 });
        await hostCalls(count);
        await step.runAction(echoAction, { value: 1 });
        return await hostCalls(count);
      }),

    besideSleep: workflow
      .define({ args: { count: v.number() } })
      .handler(async (step, { count }) => {
        await Promise.all([
          step.sleep(3_600_000),
          hostCalls(count).then((seen) =>
            step.runMutation(echo, { value: seen }),
          ),
        ]);
        return "done";
      }),

    /** During the sleep, a test may switch releases. */
    afterSleep: workflow
      .define({ args: { count: v.number() } })
      .handler(async (step, { count }) => {
        await step.runMutation(echo, { value: await hostCalls(count) });
        await hostCalls(count);
        await step.sleep(3_600_000);
        await hostCalls(count);
        return await step.runMutation(echo, { value: typeof process });
      }),

    /** After the sleep, it ends without awaiting a step. */
    leavesStep: workflow
      .define({ args: { count: v.number() } })
      .handler(async (step, { count }) => {
        await step.sleep(3_600_000);
        void step.runMutation(echo, { value: count });
        return await hostCalls(count);
      }),

    /** The workpool's client creates a handle for its callback. */
    enqueuesJob: workflow.define({ args: {} }).handler(async (step) => {
      await pool.enqueueAction(
        step,
        echoAction,
        { value: 1 },
        { onComplete: api.steps.jobDone, context: "job" },
      );
      await step.runMutation(echo, { value: typeof process });
      return "enqueued";
    }),

    startsRun: workflow.define({ args: {} }).handler(async (step) => {
      await workflow.start(
        step,
        api.flows.child,
        {},
        { onComplete: api.steps.runDone, context: "run" },
      );
      await step.runMutation(echo, { value: typeof process });
      return "started";
    }),

    child: workflow
      .define({ args: {} })
      .handler(
        async (step) => await step.runMutation(echo, { value: "child" }),
      ),

    lateRejection: workflow
      .define({ args: { name: v.string() } })
      .handler((step, { name }) => late[name]!.handler(step)),

    timerBesideSleep: workflow.define({ args: {} }).handler(async (step) => {
      const timer = async () => {
        await step.runMutation(echo, { value: "before" });
        await new Promise((resolve) => setTimeout(resolve, 10));
      };
      await Promise.all([step.sleep(30 * 86_400_000), timer()]);
    }),

    disposes: workflow.define({ args: {} }).handler(async (step) => {
      const lock = async (name: string) => {
        await step.runMutation(echo, { value: `lock ${name}` });
        return {
          async [Symbol.asyncDispose]() {
            await step.runMutation(echo, { value: `unlock ${name}` });
          },
        };
      };
      await using _outer = await lock("outer");
      await using _inner = await lock("inner");
      return new Date(0).constructor.name;
    }),

    start: mutationGeneric({
      args: { name: v.string(), args: v.any() },
      handler: async (ctx, { name, args }) =>
        await workflow.start(ctx, api.flows[name], args),
    }),

    status: queryGeneric({
      args: { id: v.string() },
      handler: async (ctx, { id }) => await workflow.status(ctx, id as never),
    }),
  };
}
