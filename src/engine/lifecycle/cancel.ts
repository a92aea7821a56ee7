import type { Outcome } from "../../shared/outcome.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { readConfig, type Config } from "../platform/config.js";
import { callOnComplete, writeResult } from "./end.js";
import { COST, releaseSteps } from "./releasing.js";
import { runInProgress, type Run, type RunChanges } from "../run/runs.js";
import { Budget } from "../../shared/transactionBudget.js";
import { STEPS_PER_BATCH } from "../../shared/limits.js";
import type { Generation } from "../../component/schema.js";
import { detachDriver } from "../run/driverState.js";
import { releaseTurn } from "../run/waking.js";
import { scheduleTask, type Ending } from "../platform/tasks.js";

/**
 * Cancels runs and their children, and releases the steps in flight of ended runs (see `Ending`), breadth first. What
 * doesn't fit in one transaction is left to further ones.
 */
export async function cancelRuns(
  ctx: MutationCtx,
  runs: Ending[],
  budget = new Budget(STEPS_PER_BATCH),
) {
  const config = await readConfig(ctx);
  const ended: Run[] = [];
  const queue = [...runs];
  while (queue.length > 0 && !budget.isSpent) {
    budget.spend(COST.released);
    const { workflowId, generationNumber, after } = queue.shift()!;
    const run = await ctx.db.get("workflows", workflowId);
    if (generationNumber === undefined) {
      if (!run || run.runResult) continue;
      ended.push(run);
      queue.push(await stopRun(ctx, run, CANCELED, config));
    } else if (run?.generationNumber === generationNumber)
      queue.push(...(await releaseSteps(ctx, run, budget, after)));
  }
  // In parts, so that no list grows with the number of children.
  while (queue.length > 0)
    await scheduleTask(ctx, "cancel", {
      runs: queue.splice(0, RUNS_PER_TASK),
    });
  // This comes last, because an `onComplete` may throw or use up the transaction.
  for (const run of ended) await callOnComplete(ctx, run, config);
}

const CANCELED: Outcome = { result: { kind: "canceled" } };

/** The most runs that one task continues. */
const RUNS_PER_TASK = 100;

/** Ends a run, so that nothing begins for it. Returns the remaining work, which is to release its steps in flight. */
async function stopRun(
  ctx: MutationCtx,
  run: Run,
  outcome: Outcome,
  config: Config,
  changes?: RunChanges,
): Promise<Ending> {
  const generationNumber = run.generationNumber + 1;
  await releaseTurn(ctx, run.pendingTurn);
  await detachDriver(ctx, run, { cancelsJob: true });
  await writeResult(ctx, run, outcome, config, {
    changes: { ...changes, generationNumber },
  });
  return { workflowId: run._id, generationNumber };
}

/** Fails a run that exceeded its timeout, unless it has ended or was restarted. Cancels its steps in flight. */
export async function timeOut(ctx: MutationCtx, generation: Generation) {
  const run = await runInProgress(ctx, generation);
  if (!run) return;
  const ms = run.timeoutMs ?? 0;
  const config = await readConfig(ctx);
  const outcome: Outcome = {
    result: {
      kind: "failed",
      error: `Workflow ${run._id} ("${run.name}") timed out: it did not end within ${ms} ms.`,
    },
    failure: { name: "TimeoutError", ms },
  };
  await cancelRuns(ctx, [
    await stopRun(ctx, run, outcome, config, { timedOut: true }),
  ]);
  await callOnComplete(ctx, run, config, outcome.failure);
}
