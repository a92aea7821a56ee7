// @ts-check
import { FunctionError } from "./errors.mjs";

/** @import { Clock } from "./types.mjs" */

const LONGEST_WAIT_MS = 10_000;

/** A number of which each running action holds one. */
export class Permits {
  #free;
  #clock;
  #refused;
  #withholds;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /**
   * @param {number} total
   * @param {Clock} clock
   * @param {() => void} refused is told of each refusal
   * @param {() => boolean} withholds whether one is to wait, though a permit is free
   */
  constructor(total, clock, refused, withholds) {
    this.#free = total;
    this.#clock = clock;
    this.#refused = refused;
    this.#withholds = withholds;
  }

  /**
   * @param {boolean} mayBeRefused after 10 seconds
   * @returns {Promise<void>}
   */
  async acquire(mayBeRefused) {
    const isWithheld = mayBeRefused && this.#withholds();
    if (this.#free > 0 && !isWithheld) {
      this.#free--;
      return;
    }
    await new Promise((resolve, reject) => {
      const grant = () => {
        cancelTimer();
        resolve(undefined);
      };
      this.#waiting.add(grant);
      const cancelTimer = mayBeRefused
        ? this.#clock.setTimer(LONGEST_WAIT_MS, () => {
            this.#waiting.delete(grant);
            this.#refused();
            reject(
              new FunctionError(
                "Too many concurrent requests in a short period of time. Your deployment runs out of concurrent actions; spread your requests out over time or throttle them to avoid errors.",
              ),
            );
          })
        : () => {};
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
