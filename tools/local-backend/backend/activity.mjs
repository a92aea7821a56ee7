// @ts-check

/** Tracks whether anything is running. */
export class Activity {
  #running = 0;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /**
   * @template T
   * @param {Promise<T>} work
   * @returns {Promise<T>}
   */
  track = async (work) => {
    this.#running++;
    try {
      return await work;
    } finally {
      this.#running--;
      this.tell();
    }
  };

  /**
   * @param {() => boolean} isIdle what else has to be so
   * @returns {Promise<void>}
   */
  whenIdle(isIdle) {
    return new Promise((resolve) => {
      const attempt = () => {
        if (this.#running > 0 || !isIdle()) return;
        this.#waiting.delete(attempt);
        resolve();
      };
      this.#waiting.add(attempt);
      attempt();
    });
  }

  /** Call this when something may have stopped running. */
  tell() {
    for (const attempt of [...this.#waiting]) attempt();
  }
}
