/// <reference types="vite/client" />
import { register } from "@convex-dev/workflow/test";
import { convexTest } from "convex-test";
import { afterEach, beforeEach, vi } from "vitest";
import schema from "./schema.js";

/** How often functions may schedule others before a test considers it an endless loop. */
const MAX_HOPS = 5000;

const modules = import.meta.glob("./**/*.ts");

/** Installs fake timers, so that days pass at once. */
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

/** Runs everything that is due. A few seconds pass, so longer waits don't end. */
export async function settle(t: Backend) {
  await t.finishAllScheduledFunctions(
    () => vi.advanceTimersByTime(100),
    MAX_HOPS,
  );
}

/** Runs everything that happens without outside help, however long it sleeps. */
export async function finish(t: Backend) {
  await t.finishAllScheduledFunctions(vi.runAllTimers, MAX_HOPS);
}
