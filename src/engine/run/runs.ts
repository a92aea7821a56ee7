import { createFunctionHandle } from "convex/server";
import type { Infer } from "convex/values";
import { codedError, invalidArgument } from "../../shared/errors.js";
import { abbreviate } from "../../shared/storable.js";
import { oneOf } from "../../shared/oneOf.js";
import { internal } from "../../component/_generated/api.js";
import type { Generation } from "../../component/schema.js";
import type { Doc, Id } from "../../component/_generated/dataModel.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";

export type Run = Doc<"workflows">;
export type StepRow = Doc<"steps">;

export type RunChanges = Partial<Omit<Run, "_id" | "_creationTime">>;

/** Changes a run's row, and the object that this transaction holds. */
export async function updateRun(
  ctx: MutationCtx,
  run: Run,
  changes: RunChanges,
) {
  Object.assign(run, changes);
  await ctx.db.patch("workflows", run._id, changes);
}

/** Returns a function step's type, or undefined for any other kind. */
export const functionTypeOf = (step: StepRow["step"]) =>
  "functionType" in step ? step.functionType : undefined;

/** Whether a step is in flight. One that a restart left to start isn't. */
export const isInFlight = ({
  step,
  unstarted,
}: Pick<StepRow, "step" | "unstarted">) => step.inProgress && !unstarted;

/** Whether the steps in flight stopped when the run ended. */
export const endedForcibly = ({ runResult, timedOut }: Run) =>
  runResult?.kind === "canceled" || timedOut === true;

/** Parses the id of a run, or throws an error that names it. The run may have been cleaned up. */
export function parseRunId(ctx: QueryCtx, workflowId: string) {
  const id = ctx.db.normalizeId("workflows", workflowId);
  if (!id)
    throw invalidArgument(
      `Invalid workflow ID: ${abbreviate(workflowId)}. Expected the id that starting a workflow returned.`,
    );
  return id;
}

/** Returns the run unless it was cleaned up. */
export async function findRun(
  ctx: QueryCtx,
  workflowId: Id<"workflows">,
): Promise<Run | null> {
  const run = await ctx.db.get("workflows", workflowId);
  return run?.cleanedUp ? null : run;
}

export const generationOf = (run: Run): Generation => ({
  workflowId: run._id,
  generationNumber: run.generationNumber,
});

/** Returns the run of a generation unless it was canceled or restarted since. */
export async function runOf(
  ctx: QueryCtx,
  { workflowId, generationNumber }: Generation,
): Promise<Run | null> {
  const run = await ctx.db.get("workflows", workflowId);
  return run?.generationNumber === generationNumber ? run : null;
}

/** Like `runOf`, but only if the run hasn't ended. */
export async function runInProgress(ctx: QueryCtx, generation: Generation) {
  const run = await runOf(ctx, generation);
  return run?.runResult ? null : run;
}

/** Returns the run with this id unless it was cleaned up. Any text is accepted. */
export async function findRunByText(ctx: QueryCtx, workflowId: string) {
  const id = ctx.db.normalizeId("workflows", workflowId);
  return id && (await findRun(ctx, id));
}

/** Returns the parent of a child, even of one that 0.4 began. */
export async function parentOf(
  ctx: QueryCtx,
  { parent, onComplete }: Run,
): Promise<Id<"workflows"> | undefined> {
  if (parent) return parent.workflowId;
  const { nestedWorkflowOnComplete } = internal.pool;
  const { stepId } = (onComplete?.context ?? {}) as { stepId?: unknown };
  const id =
    typeof stepId === "string" ? ctx.db.normalizeId("steps", stepId) : null;
  // The app's own context may also have a stepId.
  if (
    !id ||
    onComplete!.fnHandle !==
      (await createFunctionHandle(nestedWorkflowOnComplete))
  )
    return undefined;
  return (await ctx.db.get("steps", id))?.workflowId;
}

export async function getRun(ctx: QueryCtx, workflowId: string): Promise<Run> {
  const run = await findRun(ctx, parseRunId(ctx, workflowId));
  if (!run)
    throw codedError(
      "WORKFLOW_NOT_FOUND",
      `Workflow not found: ${workflowId}. It may have been cleaned up.`,
      workflowId,
    );
  return run;
}

/** The same names as in `getStatus`. */
export const vRunStatus = oneOf(
  "inProgress",
  "completed",
  "failed",
  "canceled",
);
export type RunStatus = Infer<typeof vRunStatus>;

export function statusOfRun({ runResult }: Run): RunStatus {
  const kind = runResult?.kind ?? "inProgress";
  return kind === "success" ? "completed" : kind;
}

/** Returns the workflow's run in progress that has this key. */
export async function runWithKey(
  ctx: QueryCtx,
  name: string | undefined,
  key: string,
) {
  return await ctx.db
    .query("workflows")
    .withIndex("key", (q) =>
      q.eq("name", name).eq("key", key).eq("runResult.kind", undefined),
    )
    .first();
}

/** Every start and restart calls this, so that at most one run in progress has a key. */
export async function checkKeyIsFree(
  ctx: QueryCtx,
  { name, key }: Pick<Run, "name" | "key">,
  what: string,
) {
  const running = key === undefined ? null : await runWithKey(ctx, name, key);
  if (running)
    throw codedError(
      "WORKFLOW_RUNNING",
      `Can't ${what} with the key "${abbreviate(key!)}": workflow ${running._id} has that key and is still running.`,
      running._id,
    );
}

export async function stepAt(
  ctx: QueryCtx,
  workflowId: Id<"workflows">,
  stepNumber: number,
) {
  return await ctx.db
    .query("steps")
    .withIndex("workflow", (q) =>
      q.eq("workflowId", workflowId).eq("stepNumber", stepNumber),
    )
    .first();
}

export async function lastStep(ctx: QueryCtx, workflowId: Id<"workflows">) {
  return await ctx.db
    .query("steps")
    .withIndex("workflow", (q) => q.eq("workflowId", workflowId))
    .order("desc")
    .first();
}

/** Returns steps in flight in order of creation, after the creation time `after`. */
export function stepsInFlight(
  ctx: QueryCtx,
  workflowId: Id<"workflows">,
  after = 0,
) {
  return ctx.db
    .query("steps")
    .withIndex("inProgress", (q) =>
      q
        .eq("step.inProgress", true)
        .eq("workflowId", workflowId)
        .gt("_creationTime", after),
    );
}
