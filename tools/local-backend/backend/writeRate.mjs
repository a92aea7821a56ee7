// @ts-check
import { Conflict } from "./errors.mjs";

/** @import { Faults } from "./faults.mjs" */
/** @import { Clock } from "./types.mjs" */

/** Limits how much a deployment writes in a second. */
export class WriteRate {
  #faults;
  #clock;
  /** @type {{ at: number, bytes: number }[]} the writes of the last second */
  #writes = [];

  /**
   * @param {Faults} faults
   * @param {Clock} clock
   */
  constructor(faults, clock) {
    this.#faults = faults;
    this.#clock = clock;
  }

  /** Throws before a mutation if the limit is exceeded, so that it is retried later. */
  check() {
    const since = this.#clock.now() - 1000;
    this.#writes = this.#writes.filter(({ at }) => at > since);
    const bytes = this.#writes.reduce((sum, write) => sum + write.bytes, 0);
    const limit = this.#faults.writeBytesPerSecond;
    if (bytes < limit) return;
    this.#faults.hit("too many writes");
    throw new Conflict(
      `Too many writes per second. Your deployment is limited to ${size(limit)} bytes written per second. Reduce your write rate or upgrade your deployment.`,
    );
  }

  /** @param {number} bytes that have been committed */
  note(bytes) {
    if (bytes > 0) this.#writes.push({ at: this.#clock.now(), bytes });
  }
}

/** @param {number} bytes */
function size(bytes) {
  const mebibytes = bytes / 2 ** 20;
  return Number.isInteger(mebibytes) ? `${mebibytes} MiB of` : `${bytes}`;
}
