import type { RunResult } from "../../shared/outcome.js";
import { startClock } from "../../shared/clock.js";
import { rowsOf, type Drive } from "./journalEntry.js";
import { isLegacy } from "../../shared/replayVersion.js";
import { Execution } from "./execution.js";
import { argsProblem, journalTooLarge } from "./runResults.js";
import type { WorkflowId } from "../ids.js";
import type { AppMutationCtx } from "../types.js";
import type { Workflow } from "../context.js";

/**
 * Executes one turn of a run. Begins the turn, executes the handler and commits the record. Returns the driver's next
 * step, if there is one, or else the run's result if this turn ended it, or else that the turn is over. Returns null if
 * this component has no such run.
 *
 * Throws if the handler can't be replayed over the journal, so that the turn is rolled back.
 */
export async function takeTurn(
  ctx: AppMutationCtx,
  workflow: Workflow,
  turn: { workflowId: string; generationNumber: number },
  drive?: Drive,
) {
  const elapsed = startClock();
  const { journal } = workflow.component;
  const begun = await ctx.runMutation(journal.beginTurn, {
    ...turn,
    drive: drive && withoutRows(drive),
    timeoutMs: workflow.timeout,
  });
  if (begun === "unknown") return null;
  const taken = {
    kind: "turn" as const,
    workflowId: turn.workflowId as WorkflowId,
  };
  if (!begun) return taken;
  const run = begun.workflow;
  const fail = async (runResult: RunResult) => {
    const { completed } = begun;
    const end = { steps: [], completed, end: { runResult } };
    await ctx.runMutation(journal.commit, { ...turn, ...end });
    return { kind: "complete" as const, runResult };
  };
  if (begun.tooLarge)
    return await fail(journalTooLarge(run._id, begun.tooLarge));
  const rows = rowsOf(begun.journal ?? drive!.held!.rows);
  if (isLegacy(run) && begun.blocked) return taken;
  const refused = rows.length === 0 && argsProblem(ctx, workflow, run);
  if (refused) return await fail({ kind: "failed", error: refused });
  const execution = new Execution(ctx, workflow, begun, rows, drive, elapsed);
  return (await execution.run()) ?? taken;
}

/** The part of a driver's message that begins a turn. */
function withoutRows({ driver, stepNumber, outcome, held }: Drive) {
  if (!held) return { driver, stepNumber, outcome };
  const { rows: _, ...copy } = held;
  return { driver, stepNumber, outcome, held: copy };
}
