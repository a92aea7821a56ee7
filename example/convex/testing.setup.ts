/// <reference types="vite/client" />
import { register } from "@convex-dev/workflow/test";
import { convexTest } from "convex-test";
import { afterEach, beforeEach, vi } from "vitest";
import schema from "./schema.js";

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
