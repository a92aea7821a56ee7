import { describe, expect, test } from "vitest";
import {
  clamp,
  isWhole,
  lengthOf,
  pan,
  place,
  spanOfRun,
  ticks,
  zoom,
} from "./axis.js";

const whole = { from: 1000, to: 11_000 };

describe("spanOfRun", () => {
  test("is exact for an ended run, and includes steps that ended later", () => {
    expect(spanOfRun({ startedAt: 0, endedAt: 777, now: 9999 })).toEqual({
      from: 0,
      to: 777,
    });
    expect(
      spanOfRun({ startedAt: 0, endedAt: 777, now: 0, latest: 800 }).to,
    ).toBe(800);
  });

  test("changes rarely while a run is in progress", () => {
    const ends = new Set<number>();
    for (let now = 0; now <= 60_000; now += 100)
      ends.add(spanOfRun({ startedAt: 0, now }).to);
    expect(ends.size).toBeLessThan(40);
    expect(spanOfRun({ startedAt: 0, now: 7000 }).to).toBeGreaterThan(7000);
  });

  test("is never empty, even if clocks disagree", () => {
    expect(lengthOf(spanOfRun({ startedAt: 500, now: 100 }))).toBeGreaterThan(
      0,
    );
    expect(
      lengthOf(spanOfRun({ startedAt: 500, endedAt: 500, now: 100 })),
    ).toBeGreaterThan(0);
  });
});

describe("zoom and pan", () => {
  test("zooming keeps the time under the pointer in place", () => {
    const shown = zoom(whole, whole, 0.5, 3000);
    expect(lengthOf(shown)).toBe(5000);
    expect((3000 - shown.from) / lengthOf(shown)).toBeCloseTo(0.2);
  });

  test("zooming out stops at the whole run, and zooming in at 20 ms", () => {
    expect(zoom(whole, { from: 2000, to: 3000 }, 1000)).toEqual(whole);
    expect(isWhole(whole, zoom(whole, whole, 2))).toBe(true);
    expect(lengthOf(zoom(whole, whole, 1e-9))).toBe(20);
  });

  test("panning stops at the ends", () => {
    const shown = { from: 2000, to: 4000 };
    expect(pan(whole, shown, 500)).toEqual({ from: 2500, to: 4500 });
    expect(pan(whole, shown, -1e6)).toEqual({ from: 1000, to: 3000 });
    expect(pan(whole, shown, 1e6)).toEqual({ from: 9000, to: 11_000 });
  });

  test("a span outside a run that became shorter moves back into it", () => {
    expect(clamp({ from: 0, to: 10 }, { from: 50, to: 90 })).toEqual({
      from: 0,
      to: 10,
    });
  });
});

test.each([
  [{ from: 0, to: 1000 }, 900, 100],
  [{ from: 0, to: 60_000 }, 900, 10_000],
  [{ from: 0, to: 86_400_000 }, 900, 10_800_000],
  [{ from: 0, to: 1e12 }, 300, 4000 * 86_400_000],
])("ticks of %o on %d px are %d ms apart", (shown, width, step) => {
  const found = ticks(shown, 0, width);
  expect(found[1]! - found[0]!).toBe(step);
});

test("ticks count from the run's start, even when zoomed in", () => {
  expect(ticks({ from: 1500, to: 1900 }, 1000, 360)).toEqual([
    500, 600, 700, 800, 900,
  ]);
});

test("the number of ticks is bounded by the width", () => {
  for (let exponent = 0; exponent < 300; exponent++)
    expect(
      ticks({ from: 0, to: 3 * 10 ** exponent }, 0, 900).length,
    ).toBeLessThan(12);
});

test("place clips to the visible span", () => {
  const shown = { from: 100, to: 200 };
  expect(place(shown, 120, 140)).toEqual({ left: 20, width: 20 });
  expect(place(shown, 0, 150)).toEqual({ left: 0, width: 50 });
  expect(place(shown, 150, 999)).toEqual({ left: 50, width: 50 });
  expect(place(shown, 0, 99)).toBeUndefined();
  expect(place(shown, 201, 300)).toBeUndefined();
  expect(place(shown, 150, 150)).toEqual({ left: 50, width: 0 });
});
