import { expect, test } from "vitest";
import { createMath, createRandom } from "./random.js";

/** The generator from its specification, with arithmetic that can't overflow. */
function* specified(runId: string) {
  const wrap = (value: bigint) => BigInt.asUintN(32, value);
  let state = 0n;
  for (const char of runId) {
    state = wrap(state * 31n + BigInt(char.charCodeAt(0)));
  }
  for (;;) {
    state = wrap(state + 0x9e3779b9n);
    let t = state ^ (state >> 16n);
    t = wrap(t * 0x21f0aaadn);
    t ^= t >> 15n;
    t = wrap(t * 0x735a2d97n);
    t ^= t >> 15n;
    yield Number(t) / 2 ** 32;
  }
}

test.each(["", "a", "j57a1b2c3d", "k97".repeat(40), "ÿ\uffff"])(
  "the numbers of %j match the specification",
  (runId) => {
    const random = createRandom(runId);
    const numbers = specified(runId);
    for (let i = 0; i < 1000; i++) {
      expect(random()).toBe(numbers.next().value);
    }
  },
);

test("the numbers never change, because runs in flight have used them", () => {
  const random = createRandom("j57a1b2c3d");
  expect([random(), random(), random()]).toEqual([
    0.12918962351977825, 0.42545896815136075, 0.2673963005654514,
  ]);
});

test("they lie in [0, 1) and spread evenly", () => {
  const random = createRandom("run");
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) tenths[Math.floor(random() * 10)]!++;
  expect(Math.min(...tenths)).toBeGreaterThan(900);
});

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
