import { convexToJson } from "convex/values";
import { invalidArgument } from "../../shared/errors.js";
import { HISTORY_FORMAT, type WorkflowHistory } from "../../shared/history.js";
import { MAX_JOURNAL_BYTES } from "../../shared/limits.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import { getRun, type Run, type StepRow } from "../run/runs.js";
import { readJournal, rowsOf } from "./journalRows.js";

/** Encodes a run and its journal from one read. Any allowed journal fits in one transaction. */
export async function historyOf(
  ctx: QueryCtx,
  workflowId: string,
): Promise<WorkflowHistory> {
  const run = await getRun(ctx, workflowId);
  const { pages, tooLarge } = await readJournal(ctx, run._id);
  if (tooLarge)
    throw invalidArgument(
      `Can't export the history of workflow ${run._id}: its journal is too large to be replayed, over ` +
        `${MAX_JOURNAL_BYTES} bytes at step ${tooLarge.stepNumber} "${tooLarge.name}".`,
      run._id,
    );
  const entries = rowsOf(pages);
  return {
    format: HISTORY_FORMAT,
    name: run.name ?? "",
    workflowId: run._id,
    steps: entries.length,
    data: JSON.stringify(
      convexToJson({
        run: exportedRun(run),
        rows: entries.map(exportedStep),
      }),
    ),
  };
}

const exportedRun = ({
  _id,
  _creationTime,
  name,
  workflowHandle,
  args,
  generationNumber,
  engineVersion,
}: Run) => ({
  ...{ _id, _creationTime, name, workflowHandle, args },
  ...{ generationNumber, engineVersion },
});

/** Returns a step without the fields that only its execution needs. */
function exportedStep({ step, ...row }: StepRow) {
  const { delivery, heldBack, failure, argsOmitted, unstarted } = row;
  const { kind, name, args, inProgress, runResult } = step;
  const { argsSize, startedAt, completedAt } = step;
  return {
    _id: row._id,
    _creationTime: row._creationTime,
    workflowId: row.workflowId,
    stepNumber: row.stepNumber,
    ...{ delivery, heldBack, failure, argsOmitted, unstarted },
    step: {
      ...{ kind, name, args, inProgress, runResult },
      ...{ argsSize, startedAt, completedAt },
      functionType: "functionType" in step ? step.functionType : undefined,
    },
  };
}
