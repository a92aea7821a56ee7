import { afterEach, beforeEach, vi } from "vitest";

let lines = 0;

/** Silences errors and warnings, because the platform, the workpool and the engine log every fault. */
export function silenceConsole() {
  beforeEach(() => {
    const count = () => void lines++;
    vi.spyOn(console, "error").mockImplementation(count);
    vi.spyOn(console, "warn").mockImplementation(count);
  });
  afterEach(() => void vi.restoreAllMocks());
}

/** Returns how many lines were logged. */
export const loggedLines = () => lines;
