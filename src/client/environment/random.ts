import { withProperties } from "./withProperties.js";

const { imul } = Math;

/**
 * Creates a run's random numbers, which are the same in every execution of its
 * handler. Never change the seed or the generator, because runs in flight have
 * already used their numbers.
 */
export function createRandom(runId: string): () => number {
  let state = 0;
  for (let i = 0; i < runId.length; i++) {
    state = (imul(state, 31) + runId.charCodeAt(i)) | 0;
  }
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let t = state ^ (state >>> 16);
    t = imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = imul(t, 0x735a2d97);
    t ^= t >>> 15;
    return (t >>> 0) / 2 ** 32;
  };
}

/** A `Math` that differs from the real one only in `random`. */
export const createMath = (random: () => number): Math =>
  withProperties(Math, { random });
