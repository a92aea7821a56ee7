import { varied } from "../../shared/retry.js";

/** The platform's errors if it has no capacity for a call. A function's own errors begin with "Uncaught". */
const REFUSALS = [
  /^Too ?many ?concurrent ?requests/i,
  /^There are no available workers to process the request/i,
  /^Couldn't acquire a permit on this funrun/i,
  /^Selected isolate was not clean/i,
  /^Too many writes per second/i,
];

/** Whether the platform refused a call before the function began. */
export const wasRefused = (error: string) =>
  REFUSALS.some((refusal) => refusal.test(error));

/**
 * Whether the workpool ended a job because an operator canceled the workpool's own scheduled function. The mutation
 * of such a job didn't run.
 */
export const wasCanceledByOperator = (error: string) =>
  /^(Canceled via scheduler|Scheduled job not found)$/.test(error);

const hadConflict = (error: string) =>
  /OptimisticConcurrencyControl|conflict|changed while/i.test(error);

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** Returns the message of a thrown value. */
export const messageOf = (thrown: unknown) =>
  thrown instanceof Error ? thrown.message : String(thrown);

/**
 * Repeats an action's call while the platform refuses it or gives up on its conflicts, at most `tries` times. `call`
 * gets the number of earlier tries.
 */
export async function insist<T>(
  tries: number,
  call: (before: number) => Promise<T>,
): Promise<T> {
  for (let before = 0; ; before++)
    try {
      return await call(before);
    } catch (thrown) {
      const error = messageOf(thrown);
      if (!wasRefused(error) && !hadConflict(error)) throw thrown;
      if (before + 1 >= tries) throw thrown;
      await pause(
        varied(Math.min(FIRST_PAUSE_MS * 2 ** before, LONGEST_PAUSE_MS)),
      );
    }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
