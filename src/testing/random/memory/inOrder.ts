import type { Node } from "../program.js";
import type { JournalEntry } from "../../../client/replay/journal.js";
import { same } from "../differences.js";
import { mayRejectLate, deliveredIn } from "./checks.js";
import { MemoryTransaction, emptyRun, type MemoryRun } from "./store.js";
import { takeTurn } from "./turn.js";

/**
 * Executes a program again, with results that arrive one at a time in a journal's delivery order. Each
 * wakes the run. The resulting journal must equal the recorded one.
 */
export async function checkInOrder(
  program: Node,
  recorded: JournalEntry[],
  runId: string,
) {
  // The number of retries depends on how many results a turn delivers.
  if (mayRejectLate(program)) return;
  let run: MemoryRun = emptyRun();
  const turn = async () => {
    const options = {
      runId,
      now: 0,
      quiesce: "ticks" as const,
      refusesAtOnce: false,
    };
    ({ run } = await takeTurn(program, run, options));
  };
  await turn();
  for (const stepNumber of deliveredIn(recorded)) {
    const row = run.rows[stepNumber];
    if (!row)
      throw new Error(
        `Step ${stepNumber} is not asked for when its result is due`,
      );
    if (row.outcome) continue;
    const transaction = new MemoryTransaction(run, 0);
    transaction.complete(stepNumber, recorded[stepNumber]!.outcome!);
    run = transaction.run;
    await turn();
  }
  same(
    "the journal of results that come one by one",
    run.rows.map(timeless),
    recorded.map(timeless),
  );
}

/** Returns a row without its times. */
function timeless(row: JournalEntry) {
  const { kind, functionType, name, args, delivery } = row;
  const input: unknown = args["input"];
  const stable =
    typeof input === "object"
      ? {
          ...input,
          at: undefined,
          noise: undefined,
          workflowId: undefined,
          dice: undefined,
        }
      : input;
  return { kind, functionType, name, input: stable, delivery };
}
