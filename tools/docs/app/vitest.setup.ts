import { afterEach, beforeEach, expect, vi } from "vitest";

beforeEach(() => {
  expect.hasAssertions();
});

afterEach(() => {
  vi.useRealTimers();
});
