import { vi } from "vitest";

/** Begins anew with a clock of its own: nothing of what was scheduled before is left. */
export function useFakeClock() {
  vi.useRealTimers();
  vi.useFakeTimers();
  vi.setSystemTime(1_700_000_000_000);
}
