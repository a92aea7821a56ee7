import { expect, test } from "vitest";
import { fit } from "./growth.js";

test("figures on a curve yield that curve", () => {
  const points = [1, 10, 50, 100, 200, 1000].map((x) => ({
    x,
    y: 12 + 3 * x + 0.5 * x * x,
  }));
  const [constant, linear, square] = fit(points);
  expect(constant).toBeCloseTo(12, 4);
  expect(linear).toBeCloseTo(3, 4);
  expect(square).toBeCloseTo(0.5, 6);
});

test("figures near a line yield approximately that line", () => {
  const points = [1, 10, 50, 100, 200].map((x, i) => ({
    x,
    y: 100 + 9 * x + (i % 2 === 0 ? 1 : -1),
  }));
  const [constant, linear, square] = fit(points);
  expect(Math.abs(constant! - 100)).toBeLessThan(3);
  expect(Math.abs(linear! - 9)).toBeLessThan(0.2);
  expect(Math.abs(square!)).toBeLessThan(0.001);
});
