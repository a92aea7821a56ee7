import { expect } from "vitest";

/** Much longer than anything should take. After that, the test fails. */
export const POLLING = { timeout: 240_000, interval: 20 };

/** Waits until an expectation holds. */
export function eventually<T>(observe: () => T) {
  return expect.poll(observe, POLLING);
}
