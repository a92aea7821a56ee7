import { v, type Infer, type ObjectType } from "convex/values";
import { BYTES_PER_BATCH } from "../../shared/limits.js";
import type { Outcome } from "../../shared/outcome.js";
import { sizeOf } from "../../shared/storable.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { readConfig, type Config } from "../platform/config.js";
import { callOnComplete, writeResult } from "./end.js";
import { releaseStep } from "./releasing.js";
import {
  stepsInFlight,
  type Run,
  type RunChanges,
  type StepRow,
} from "../run/runs.js";
import { detachDriver } from "../run/driverState.js";
import { releaseTurn } from "../run/waking.js";
import { scheduleTask } from "../platform/tasks.js";

/** Canceling a job of the workpool costs about ten index ranges, so a batch has fewer steps than elsewhere. */
const RELEASED_PER_BATCH = 100;

/** A run to cancel, or a canceled one whose steps in flight after `after` remain to be released. */
const vCanceling = v.object({
  workflowId: v.id("workflows"),
  generationNumber: v.optional(v.number()),
  after: v.optional(v.number()),
});
type Canceling = Infer<typeof vCanceling>;

/** The remaining budget of a transaction. */
type Budget = { steps: number; bytes: number };

/** Cancels runs and their children, breadth first: as many as fit in one transaction, the rest in further ones. */
export async function cancelRuns(
  ctx: MutationCtx,
  runs: Canceling[],
  released = RELEASED_PER_BATCH,
) {
  if (runs.length === 0) return;
  const config = await readConfig(ctx);
  const ended: Run[] = [];
  const rest: Canceling[] = [];
  for (const run of runs)
    rest.push(...(await endCanceled(ctx, run, ended, config)));
  const budget = { steps: released, bytes: BYTES_PER_BATCH };
  await scheduleRest(
    ctx,
    await cancelWhatFits(ctx, rest, { budget, ended, config }),
  );
  // This comes last, so that everything else is done whatever an `onComplete` does or uses up.
  for (const run of ended) await callOnComplete(ctx, run, config);
}

async function cancelWhatFits(
  ctx: MutationCtx,
  queue: Canceling[],
  { budget, ended, config }: { budget: Budget; ended: Run[]; config: Config },
): Promise<Canceling[]> {
  while (queue.length > 0 && budget.steps > 0 && budget.bytes > 0) {
    budget.steps--;
    const next = queue.shift()!;
    queue.push(
      ...(next.generationNumber === undefined
        ? await endCanceled(ctx, next, ended, config)
        : await releaseSteps(ctx, next, budget)),
    );
  }
  return queue;
}

/** In parts, so that no list grows with the number of children. */
async function scheduleRest(ctx: MutationCtx, rest: Canceling[]) {
  for (let at = 0; at < rest.length; at += RELEASED_PER_BATCH)
    await scheduleTask(ctx, "cancel", {
      runs: rest.slice(at, at + RELEASED_PER_BATCH),
    });
}

export const continueCancelArgs = { runs: v.array(vCanceling) };

export async function continueCancel(
  ctx: MutationCtx,
  { runs }: ObjectType<typeof continueCancelArgs>,
) {
  await cancelRuns(ctx, runs);
  return null;
}

/** Ends a run unless it has ended. After that, nothing begins for it. Returns the remaining work. */
async function endCanceled(
  ctx: MutationCtx,
  canceling: Canceling,
  ended: Run[],
  config: Config,
): Promise<Canceling[]> {
  if (canceling.generationNumber !== undefined) return [canceling];
  const { workflowId } = canceling;
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
): Promise<Canceling> {
  const generationNumber = run.generationNumber + 1;
  await releaseTurn(ctx, run.pendingTurn);
  await detachDriver(ctx, run, { cancelsJob: true });
  await writeResult(ctx, run, outcome, config, {
    changes: { ...changes, generationNumber },
  });
  return { workflowId: run._id, generationNumber };
}

export const timeOutArgs = {
  workflowId: v.id("workflows"),
  generationNumber: v.number(),
};

/** Fails a run that exceeded its timeout, unless it has ended or was restarted. Cancels its steps in flight. */
export async function timeOut(
  ctx: MutationCtx,
  { workflowId, generationNumber }: ObjectType<typeof timeOutArgs>,
) {
  const run = await ctx.db.get("workflows", workflowId);
  if (run?.generationNumber !== generationNumber || run.runResult) return null;
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
  return null;
}

async function releaseSteps(
  ctx: MutationCtx,
  { workflowId, generationNumber, after = 0 }: Canceling,
  budget: Budget,
): Promise<Canceling[]> {
  const run = await ctx.db.get("workflows", workflowId);
  if (run?.generationNumber !== generationNumber) return [];
  const children: Canceling[] = [];
  const inFlight = stepsInFlight(ctx, workflowId, after);
  for await (const row of inFlight) {
    await releaseStep(ctx, row);
    children.push(...childOf(row));
    budget.steps--;
    budget.bytes -= sizeOf(row.step.args);
    if (budget.steps <= 0 || budget.bytes <= 0)
      return [
        { workflowId, generationNumber, after: row._creationTime },
        ...children,
      ];
  }
  return children;
}

function childOf({ step }: StepRow): Canceling[] {
  return step.kind === "workflow" && step.workflowId
    ? [{ workflowId: step.workflowId }]
    : [];
}
