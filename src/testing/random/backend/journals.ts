import { toEntry } from "../../../client/turn/journalEntry.js";
import type { JournalEntry } from "../../../client/replay/journal.js";
import type { Doc } from "../../../component/_generated/dataModel.js";
import { rows, type Backend } from "../../harness.js";
import {
  checkPrediction,
  checkPrefixes,
  wasDisturbed,
} from "../memory/checks.js";
import { withJournals, type Recorded } from "../guarantees.js";
import { checkInOrder } from "../memory/inOrder.js";
import type { Node } from "../program.js";

export interface RecordedRun extends Recorded {
  entries: JournalEntry[];
}

/** Reads every run with its rows, including nested runs. */
export const readRuns = async (t: Backend): Promise<Recorded[]> =>
  withJournals(await rows(t, "workflows"), await rows(t, "steps"));

/** Returns every run with its journal, including nested runs. */
export const recordedRuns = async (t: Backend): Promise<RecordedRun[]> =>
  (await readRuns(t)).map((recorded) => ({
    ...recorded,
    entries: recorded.steps.map(toEntry),
  }));

/**
 * Checks that a run's journal is the one that its program must produce, that every prefix replays to
 * the same steps, and that delivering the results one by one in this order leads to the same journal.
 */
export async function checkJournal(
  { run, entries }: RecordedRun,
  {
    restarted,
    takesNew,
  }: { restarted: boolean; takesNew?: (edit: number) => boolean },
) {
  const program = JSON.parse(run.args.input as string) as Node;
  const runId: string = run._id;
  const end = endOf(run);
  // The run ended before its first turn, or before its first turn after a restart.
  const cut = !end && (restarted || entries.length === 0);
  const predicted = await checkPrediction(program, entries, end, {
    runId,
    inlineFirst: !restarted && !takesNew,
    cut,
    takesNew,
  });
  if (takesNew) return;
  await checkPrefixes(program, entries, predicted, { runId, quiesce: "ticks" });
  if (!restarted && !cut) await checkInOrder(program, entries, runId);
}

function endOf({ runResult }: Doc<"workflows">) {
  switch (runResult?.kind) {
    case "success":
      return { kind: "returned", value: runResult.returnValue as unknown };
    case "failed":
      if (wasDisturbed(runResult)) return undefined;
      return /can never continue|leaves a rejected promise/.test(
        runResult.error,
      )
        ? { kind: "blocked" }
        : { kind: "threw", message: runResult.error };
    default:
      return undefined;
  }
}
