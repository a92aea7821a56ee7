import { createFunctionHandle } from "convex/server";
import { internal } from "./_generated/api.js";
import type { MutationCtx } from "./_generated/server.js";
import type { StepExecution } from "./completing.js";
import type { Config } from "./config.js";
import { enqueue, type Job } from "./pooling.js";
import type { Run } from "./runs.js";
import type { Step } from "./schema.js";

/** A function step that is recorded as in flight and due to be executed. */
export interface DueStep {
  stepNumber: number;
  step: Extract<Step, { handle: string; functionType: string }>;
  runAt: number;
}

/** Decides how each step is executed, and sees to it. Returns what identifies each execution. */
export async function execute(
  ctx: MutationCtx,
  run: Run,
  due: DueStep[],
  config: Config,
): Promise<string[]> {
  if (due.length === 0) return [];
  const toJob = await poolJobs(run);
  return await enqueue(ctx, due.map(toJob), config, run);
}

/**
 * Queries and mutations run inside the transaction that records their result, so that both
 * commit together or neither does. Actions report what they did to `pool:actionOnComplete`.
 */
async function poolJobs(run: Run): Promise<(due: DueStep) => Job> {
  const [transaction, action, transactionDied, actionDone] = await Promise.all([
    createFunctionHandle(internal.execute.transaction),
    createFunctionHandle(internal.execute.action),
    createFunctionHandle(internal.pool.onComplete),
    createFunctionHandle(internal.pool.actionOnComplete),
  ]);
  const { _id: workflowId, generationNumber } = run;
  return ({ stepNumber, step, runAt }) => {
    const context: StepExecution = { workflowId, stepNumber, generationNumber };
    const common = { name: step.name, runAt };
    if (step.functionType === "action")
      return {
        ...common,
        type: "action",
        handle: action,
        args: { handle: step.handle, args: step.args, name: step.name },
        onComplete: { handle: actionDone, context },
      };
    return {
      ...common,
      type: "mutation",
      handle: transaction,
      args: { ...context },
      onComplete: { handle: transactionDied, context, exclude: ["success"] },
    };
  };
}
