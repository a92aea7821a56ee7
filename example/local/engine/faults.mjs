// @ts-check
/** @import { RunnableFunction } from "./functions.mjs" */

/**
 * @typedef {object} FaultOptions
 * @property {number} [maxConcurrentJobs] Default: 8.
 */

export class Faults {
  maxConcurrentJobs;

  /** @param {FaultOptions} [options] */
  constructor({ maxConcurrentJobs = 8 } = {}) {
    this.maxConcurrentJobs = maxConcurrentJobs;
  }
  hopLatency() {
    return 0;
  }
  async pauseAfterConflict() {}
  /** @type {(target: RunnableFunction) => void} */
  beforeCommit = () => {};
}
