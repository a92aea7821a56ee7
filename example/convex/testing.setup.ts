/// <reference types="vite/client" />
import { register } from "@convex-dev/workflow/test";
import { convexTest } from "convex-test";
import { afterEach, beforeEach, vi } from "vitest";
import schema from "./schema.js";

/** How often functions may schedule others, before a test takes it for an endless loop. */
const MAX_HOPS = 5000;

const modules = import.meta.glob("./**/*.ts");

/** With fake timers, so that a sleep of days passes at once. */
export function useFakeTimers() {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

export type Backend = ReturnType<typeof newBackend>;

/** An empty deployment of this app, in memory. */
export function newBackend() {
  const t = convexTest(schema, modules);
  register(t);
  return t;
}

/** Lets what is due happen, but not so much time pass that a wait ends. */
export async function settle(t: Backend) {
  await t.finishAllScheduledFunctions(
    () => vi.advanceTimersByTime(100),
    MAX_HOPS,
  );
}

/** Lets everything happen that will without help from outside, however long it sleeps. */
export async function finish(t: Backend) {
  await t.finishAllScheduledFunctions(vi.runAllTimers, MAX_HOPS);
}
