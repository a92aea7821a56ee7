// @ts-check
/** @import { Clock } from "./types.mjs" */

/** The longest delay of a Node timer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @type {Clock} */
export const realClock = {
  now: () => Date.now(),
  setTimer(ms, fire) {
    /** @type {NodeJS.Timeout} */
    let timer;
    const wait = (/** @type {number} */ left) => {
      const part = Math.min(left, LONGEST_TIMER_MS);
      timer = setTimeout(
        () => (left > part ? wait(left - part) : fire()),
        part,
      );
    };
    wait(Math.max(0, ms));
    return () => clearTimeout(timer);
  },
  giveWay: () => new Promise((resolve) => setImmediate(resolve)),
};

/**
 * Time that stands still while anything runs, and jumps to the next event when nothing does. Days pass at once, and
 * always in the same order.
 */
export class VirtualClock {
  #now;
  #order = 0;
  /** @type {Timer[]} a heap, the earliest first */
  #timers = [];

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now() {
    return this.#now;
  }

  /** The number of pending timers. */
  get timers() {
    return this.#timers.filter(({ fire }) => fire).length;
  }

  /**
   * @param {number} ms
   * @param {() => void} fire
   */
  setTimer(ms, fire) {
    const at = this.#now + Math.max(0, Math.ceil(ms));
    /** @type {Timer} */
    const timer = { at, order: this.#order++, fire };
    push(this.#timers, timer);
    return () => {
      timer.fire = undefined;
    };
  }

  /** Runs everything that is due, or everything that is due within the next `ms`. */
  async advance(ms = Infinity) {
    const until = this.#now + ms;
    await this.#advanceWhile(() => true, until);
    if (ms !== Infinity) this.#now = until;
  }

  /**
   * Lets time pass until a promise settles. Throws if nothing is left that
   * could settle it.
   *
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  async until(promise) {
    let settled = false;
    const settle = () => (settled = true);
    promise.then(settle, settle);
    await this.#advanceWhile(() => !settled, Infinity);
    if (!settled) throw new Error("Nothing is left that could settle it");
    return await promise;
  }

  /**
   * @param {() => boolean} shouldContinue
   * @param {number} until
   */
  async #advanceWhile(shouldContinue, until) {
    await drained();
    for (;;) {
      const next = this.#timers[0];
      if (!shouldContinue() || next === undefined || next.at > until) return;
      pop(this.#timers);
      if (!next.fire) continue;
      this.#now = next.at;
      next.fire();
      await drained();
    }
  }
}

/** Drains all promises between two timers. One macrotask is enough, because nothing else runs. */
function drained() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** @typedef {{ at: number, order: number, fire: (() => void) | undefined }} Timer canceled if it fires nothing */

/** @type {(a: Timer, b: Timer) => boolean} */
const isBefore = (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order);

/**
 * @param {Timer[]} heap
 * @param {Timer} timer
 */
function push(heap, timer) {
  let index = heap.length;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = /** @type {Timer} */ (heap[parent]);
    if (!isBefore(timer, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timer;
}

/** @param {Timer[]} heap */
function pop(heap) {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    let below = /** @type {Timer} */ (heap[child]);
    const right = heap[child + 1];
    if (right !== undefined && isBefore(right, below)) {
      below = right;
      child++;
    }
    if (!isBefore(below, last)) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
}
