// @ts-check

/**
 * @typedef {object} Random
 * @property {() => number} next from 0 to 1
 * @property {() => Random} fork an independent sequence
 * @property {(probability: number) => boolean} chance
 * @property {(range: readonly [number, number]) => number} between an integer, both ends included
 */

/**
 * Returns a sequence of numbers that the seed determines (mulberry32).
 *
 * @param {number} seed
 * @returns {Random}
 */
export function seededRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    fork: () => seededRandom(Math.floor(next() * 2 ** 32)),
    chance: (probability) => probability > 0 && next() < probability,
    between: ([low, high]) => low + Math.floor(next() * (high - low + 1)),
  };
}
