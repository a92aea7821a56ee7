import { ConvexError } from "convex/values";

/**
 * Marks the data of the error, because data is all that crosses from one function to another.
 * The name must stay: an action may run on an older release than its workflow.
 */
export const RETRY_AFTER = "__convexWorkflowRetryAfter";

type RetryAfterData = {
  [RETRY_AFTER]: true;
  message: string;
  ms?: number | undefined;
  at?: number | undefined;
};

/**
 * Throw this in an action when a service says when to try again:
 *
 * ```ts
 * const response = await fetch("https://example.com");
 * if (response.status === 429) {
 *   const seconds = Number(response.headers.get("Retry-After") ?? 60);
 *   throw new RetryAfterError("Too many requests", { ms: seconds * 1000 });
 * }
 * ```
 *
 * The next attempt starts then instead of after the policy's backoff. It counts as an attempt, and
 * an action without `retry` isn't retried. In a query or a mutation it is an ordinary error.
 */
export class RetryAfterError extends ConvexError<RetryAfterData> {
  override name = "RetryAfterError";

  /**
   * @param message - The error of the step if no attempt is left.
   * @param when.ms - Milliseconds from now.
   * @param when.at - Milliseconds since 1970.
   */
  constructor(
    message: string,
    when: { ms: number; at?: undefined } | { at: number; ms?: undefined },
  ) {
    const { ms, at } = (when ?? {}) as Pick<RetryAfterData, "ms" | "at">;
    const isTime = (time?: number) => Number.isFinite(time);
    if (isTime(ms) === isTime(at))
      throw new Error(
        `Invalid RetryAfterError "${message}": expected { ms } or { at } in milliseconds, got ms ${ms} and at ${at}.`,
      );
    super({ [RETRY_AFTER]: true, message, ...(isTime(ms) ? { ms } : { at }) });
    this.message = message;
  }
}

/** Returns when an error's data asks for a retry, in milliseconds since 1970. */
export function readRetryAfter(data: object): number | undefined {
  const { [RETRY_AFTER]: isMarked, at, ms } = data as Partial<RetryAfterData>;
  const retryAt = at ?? Date.now() + (ms ?? NaN);
  return isMarked && Number.isFinite(retryAt) ? retryAt : undefined;
}
