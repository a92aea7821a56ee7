import type { Outcome } from "../../shared/outcome.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { readConfig, type Config } from "../platform/config.js";
import { callOnComplete, writeResult } from "./end.js";
import {
  newBudget,
  RELEASED_PER_BATCH,
  releaseSteps,
  type Budget,
} from "./releasing.js";
import {
  runInProgress,
  runOf,
  type Run,
  type RunChanges,
} from "../run/runs.js";
import type { Generation } from "../../component/schema.js";
import { detachDriver } from "../run/driverState.js";
import { releaseTurn } from "../run/waking.js";
import { scheduleTask, type Ending } from "../platform/tasks.js";

/** Cancels runs and their children, breadth first: as many as fit in one transaction, the rest in further ones. */
export async function cancelRuns(
  ctx: MutationCtx,
  runs: Ending[],
  budget = newBudget(),
) {
  if (runs.length === 0) return;
  const config = await readConfig(ctx);
  const ended: Run[] = [];
  const queue: Ending[] = [];
  for (const run of runs)
    queue.push(...(await endCanceled(ctx, run, ended, config)));
  while (queue.length > 0 && budget.steps > 0 && budget.bytes > 0) {
    budget.steps--;
    const next = queue.shift()!;
    queue.push(
      ...(next.generationNumber === undefined
        ? await endCanceled(ctx, next, ended, config)
        : await releaseRest(ctx, next, budget)),
    );
  }
  // In parts, so that no list grows with the number of children.
  while (queue.length > 0)
    await scheduleTask(ctx, "cancel", {
      runs: queue.splice(0, RELEASED_PER_BATCH),
    });
  // This comes last, so that everything else is done whatever an `onComplete` does or uses up.
  for (const run of ended) await callOnComplete(ctx, run, config);
}

async function releaseRest(
  ctx: MutationCtx,
  { workflowId, generationNumber = 0, after }: Ending,
  budget: Budget,
): Promise<Ending[]> {
  const run = await runOf(ctx, { workflowId, generationNumber });
  return run ? await releaseSteps(ctx, run, budget, after) : [];
}

/** Ends a run unless it has ended. After that, nothing begins for it. Returns the remaining work. */
async function endCanceled(
  ctx: MutationCtx,
  ending: Ending,
  ended: Run[],
  config: Config,
): Promise<Ending[]> {
  if (ending.generationNumber !== undefined) return [ending];
  const { workflowId } = ending;
  const run = await ctx.db.get("workflows", workflowId);
  if (!run || run.runResult) return [];
  ended.push(run);
  return [await stopRun(ctx, run, { result: { kind: "canceled" } }, config)];
}

/** Ends a run whose steps in flight stop. Returns the remaining work, which is to release them. */
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
