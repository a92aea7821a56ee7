import { interestIn } from "./combinators.js";
import { sameInterest, type Interest, type JournalEntry } from "./journal.js";
import type { StepPromise } from "./stepPromise.js";
import type { TurnLimits } from "./turn.js";

interface Wait {
  entry: JournalEntry;
  interest: Interest;
}

/**
 * Steps in flight that are waited for otherwise than their entries say: those to write down now, of
 * as many as one turn may, and whether some that must be are left for `later`. To miss that a result
 * matters no more costs a turn at most; to miss that it matters now costs the run.
 */
export function changedWaits(
  inFlight: { entry: JournalEntry; promise: StepPromise }[],
  { shownSteps, shownBytes }: Pick<TurnLimits, "shownSteps" | "shownBytes">,
): { now: Wait[]; later: boolean } {
  const waits = inFlight.map(({ entry, promise }) => ({
    entry,
    interest: interestIn(promise),
  }));
  // Nobody seems to wait for any of them, yet the handler is blocked: whatever it waits for by
  // ways not seen here, every result may be it.
  if (waits.every(({ interest }) => interest.wakes === "never"))
    for (const wait of waits) wait.interest = { wakes: "always" };
  const changed = waits.filter(
    ({ entry, interest }) => !sameInterest(interest, entry.interest),
  );
  const must = changed.filter((wait) => !mayStay(wait));
  let steps = 0;
  let bytes = 0;
  const fits = ({ entry }: Wait) => {
    const fit = steps === 0 || (steps < shownSteps && bytes < shownBytes);
    if (fit) {
      steps++;
      bytes += entry.bytes;
    }
    return fit;
  };
  const now = must.filter(fits);
  if (now.length < must.length) return { now, later: true };
  return {
    now: [...now, ...changed.filter(mayStay).filter(fits)],
    later: false,
  };
}

/** The entry says that more results matter than do. */
const mayStay = ({ entry, interest }: Wait) =>
  interest.wakes === "never" || entry.interest.wakes === "always";
