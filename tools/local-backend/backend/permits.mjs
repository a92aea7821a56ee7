// @ts-check
/** Hands out a limited number of permits. Each running function holds one. */

/** @import { Clock } from "./types.mjs" */

export class Permits {
  #free;
  #clock;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /**
   * @param {number} total
   * @param {Clock} clock
   */
  constructor(total, clock) {
    this.#free = total;
    this.#clock = clock;
  }

  /**
   * @param {number} longestWaitMs
   * @returns {Promise<boolean>} false if no permit became free in time
   */
  async acquire(longestWaitMs) {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    return await new Promise((resolve) => {
      const grant = () => {
        cancelTimer();
        resolve(true);
      };
      this.#waiting.add(grant);
      const cancelTimer =
        longestWaitMs === Infinity
          ? () => {}
          : this.#clock.setTimer(longestWaitMs, () => {
              this.#waiting.delete(grant);
              resolve(false);
            });
    });
  }

  release() {
    const [next] = this.#waiting;
    if (!next) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
