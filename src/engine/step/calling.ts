import type { FunctionHandle, TransactionLimits } from "convex/server";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Run } from "../run/runs.js";

/**
 * Has a run's workflow take a turn. Throws when nothing took it, so that neither the run nor its parent
 * waits for ever: the function may be an ordinary mutation, or have moved to another component.
 */
export async function callWorkflow(
  ctx: MutationCtx,
  run: Run,
  options?: { transactionLimits?: TransactionLimits },
) {
  const turn = { workflowId: run._id, generationNumber: run.generationNumber };
  const handle = run.workflowHandle as FunctionHandle<"mutation">;
  let answer: unknown;
  try {
    answer = await ctx.runMutation(handle, turn, options);
  } catch (error) {
    if (takesNoTurns(error, run)) throw await noTurn(ctx, run);
    throw error;
  }
  if (isTurn(answer, run)) return;
  const now = await ctx.db.get("workflows", run._id);
  const isDue =
    now?.generationNumber === turn.generationNumber &&
    !now.runResult &&
    !now.restarting;
  if (isDue) throw await noTurn(ctx, run);
}

/** What only a workflow answers, after a turn that leaves the run going. */
const isTurn = (answer: unknown, run: Run) => {
  const { kind, workflowId } = (answer ?? {}) as Record<string, unknown>;
  return kind === "turn" && workflowId === run._id;
};

/** Whether the function's own validator, or another instance of the component, refuses what a turn is called with. */
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
