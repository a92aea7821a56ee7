import { expect, test } from "vitest";
import { createMath, createRandom } from "./random.js";

test.each([
  [
    "a short id",
    "j57a1b2c3d",
    [0.12918962351977825, 0.42545896815136075, 0.2673963005654514],
  ],
  [
    "a long id",
    "k97".repeat(40),
    [0.29270495544187725, 0.5886731103528291, 0.49440999887883663],
  ],
])(
  "the numbers of a run with %s never change, because runs in flight have used them",
  (_id, runId, numbers) => {
    const random = createRandom(runId);
    expect([random(), random(), random()]).toEqual(numbers);
  },
);

test("the rest of Math is intact, including descriptors", () => {
  const random = () => 0.5;
  const math = createMath(random);
  const { random: ours, ...rest } = Object.getOwnPropertyDescriptors(math);
  const { random: real, ...expected } = Object.getOwnPropertyDescriptors(Math);
  expect(rest).toEqual(expected);
  expect(ours).toEqual({ ...real, value: random });
  expect(Object.prototype.toString.call(math)).toBe("[object Math]");
  expect(Object.getPrototypeOf(math)).toBe(Object.getPrototypeOf(Math));
  expect(Math.random).not.toBe(random);
});
