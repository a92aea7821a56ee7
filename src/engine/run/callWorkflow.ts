import type { FunctionHandle, TransactionLimits } from "convex/server";
import type { MutationCtx } from "../../component/_generated/server.js";
import { generationOf, runInProgress, type Run } from "./runs.js";

/**
 * Calls a run's workflow to take a turn. Throws if nothing took it, so that neither the run nor its parent waits
 * forever. The function may be an ordinary mutation, or belong to another component now.
 */
export async function callWorkflow(
  ctx: MutationCtx,
  run: Run,
  options?: { transactionLimits?: TransactionLimits },
) {
  const turn = generationOf(run);
  const handle = run.workflowHandle as FunctionHandle<"mutation">;
  let answer: unknown;
  try {
    answer = await ctx.runMutation(handle, turn, options);
  } catch (error) {
    if (takesNoTurns(error, run)) throw await noTurn(ctx, run);
    throw error;
  }
  if (isTurn(answer, run)) return;
  const now = await runInProgress(ctx, turn);
  if (now && !now.restarting) throw await noTurn(ctx, run);
}

/** The reply that only a workflow gives, after a turn that doesn't end the run. */
const isTurn = (answer: unknown, run: Run) => {
  const { kind, workflowId } = (answer ?? {}) as Record<string, unknown>;
  return kind === "turn" && workflowId === run._id;
};

/** Whether the function's own validator, or another instance of the component, refuses the arguments of a turn. */
const takesNoTurns = (error: unknown, { _id }: Run) =>
  /validat.*field `(workflowId|generationNumber)`/is.test(String(error)) ||
  String(error).includes(`Invalid workflow ID: ${_id}`);

async function noTurn(ctx: MutationCtx, run: Run) {
  const { componentPath } = await ctx.meta.getFunctionMetadata();
  const child = run.parent
    ? `, a child of workflow ${run.parent.workflowId},`
    : "";
  return new Error(
    `Workflow ${run._id} ("${run.name}")${child} can't take a turn: its function is not a workflow of component ` +
      `"${componentPath}". It is an ordinary mutation, or a workflow defined on another instance of the component. ` +
      `Define it with the same component as the code that starts it.`,
  );
}
