import { afterEach, beforeEach, vi } from "vitest";

let lines = 0;

/** Keeps errors and warnings from being printed: the platform, the pool and the engine tell of every fault. */
export function useQuietConsole() {
  beforeEach(() => {
    const count = () => void lines++;
    vi.spyOn(console, "error").mockImplementation(count);
    vi.spyOn(console, "warn").mockImplementation(count);
  });
  afterEach(() => void vi.restoreAllMocks());
}

/** How many there were. */
export const loggedLines = () => lines;
