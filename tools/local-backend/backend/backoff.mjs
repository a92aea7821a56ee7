// @ts-check

/** @typedef {{ first: number, longest: number }} Backoff in ms, doubling */

/** Backoff between attempts of a mutation that a client or an action calls. */
export const CALL_BACKOFF = { first: 100, longest: 2000 };

/** Backoffs between attempts of a scheduled mutation, after conflicts and after platform errors. */
export const CONFLICT_BACKOFF = { first: 100, longest: 60_000 };
export const SYSTEM_BACKOFF = { first: 500, longest: 2 * 60 * 60_000 };

/**
 * @param {Backoff} backoff
 * @param {number} failures before
 */
export function delayAfter({ first, longest }, failures) {
  return Math.min(longest, first * 2 ** failures);
}
