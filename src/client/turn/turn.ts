import type { RunResult } from "../../shared/outcome.js";
import { startClock } from "../../shared/clock.js";
import { toBeginArgs, type Drive, type DriveReply } from "./driver.js";
import { rowsOf } from "./journalEntry.js";
import { isLegacy } from "../../shared/replayVersion.js";
import { Execution } from "./execution.js";
import { argsProblem, journalTooLarge } from "./runResults.js";
import type { AppMutationCtx } from "../types.js";
import type { Workflow } from "../context.js";

/**
 * Executes one turn of a run. Begins the turn, executes the handler and commits the record. Returns the run's result if
 * this turn ended it, and the driver's next step, if any. Returns null if this component has no such run.
 *
 * Throws if the handler can't be replayed over the journal, so that the turn is rolled back.
 */
export async function takeTurn(
  ctx: AppMutationCtx,
  workflow: Workflow,
  turn: { workflowId: string; generationNumber: number },
  drive?: Drive,
): Promise<{ runResult?: RunResult; reply?: DriveReply } | null> {
  const elapsed = startClock();
  const { journal } = workflow.component;
  const begun = await ctx.runMutation(journal.beginTurn, {
    ...turn,
    drive: drive && toBeginArgs(drive),
    timeoutMs: workflow.timeout,
  });
  if (begun === "unknown") return null;
  if (!begun) return {};
  const run = begun.workflow;
  const fail = async (runResult: RunResult) => {
    const { completed } = begun;
    const end = { runResult };
    await ctx.runMutation(journal.commit, {
      ...turn,
      steps: [],
      completed,
      end,
    });
    return { runResult };
  };
  if (begun.tooLarge)
    return await fail(journalTooLarge(run._id, begun.tooLarge));
  const rows = rowsOf(begun.journal ?? drive!.held!.rows);
  if (isLegacy(run) && begun.blocked) return {};
  const refused = rows.length === 0 && argsProblem(ctx, workflow, run);
  if (refused) return await fail({ kind: "failed", error: refused });
  return await new Execution(ctx, workflow, begun, rows, drive, elapsed).run();
}
