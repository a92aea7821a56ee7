import { wakeConditionOf } from "./combinators.js";
import {
  sameCondition,
  type WakeCondition,
  type JournalEntry,
} from "./journal.js";
import type { StepPromise } from "./stepPromise.js";
import type { TurnLimits } from "./turn.js";

interface Wait {
  stepNumber: number;
  entry: JournalEntry;
  condition: WakeCondition;
}

/** Returns when each step in flight wakes the blocked handler. */
export function wakeConditions<Step extends { promise: StepPromise }>(
  inFlight: Step[],
): Map<Step, WakeCondition> {
  const conditions = new Map(
    inFlight.map((step) => [step, wakeConditionOf(step.promise)]),
  );
  // The handler is blocked although nothing seems to subscribe to any of them. It waits in a way that
  // isn't tracked here, so any result may matter.
  if ([...conditions.values()].every(({ wakes }) => wakes === "never"))
    for (const step of inFlight) conditions.set(step, { wakes: "always" });
  return conditions;
}

/**
 * Finds the steps in flight whose wake condition differs from the recorded one. Returns those to record now, within the
 * turn's limits, and whether some that must be recorded are left for `later`. If a result no longer matters and that
 * isn't recorded, it costs at most a turn. If a result matters and that isn't recorded, the run never wakes.
 */
export function changedWaits(
  waits: Wait[],
  {
    deliveries,
    deliveredBytes,
  }: Pick<TurnLimits, "deliveries" | "deliveredBytes">,
): { now: Wait[]; later: boolean } {
  const changed = waits.filter(
    ({ entry, condition }) => !sameCondition(condition, entry.condition),
  );
  const must = changed.filter((wait) => !mayStay(wait));
  let steps = 0;
  let bytes = 0;
  const now = [...must, ...changed.filter(mayStay)].filter(({ entry }) => {
    const isFull = steps >= deliveries || bytes >= deliveredBytes;
    if (steps > 0 && isFull) return false;
    steps++;
    bytes += entry.bytes;
    return true;
  });
  return { now, later: now.length < must.length };
}

/** The recorded condition includes more results than matter. */
const mayStay = ({ entry, condition }: Wait) =>
  condition.wakes === "never" || entry.condition.wakes === "always";
