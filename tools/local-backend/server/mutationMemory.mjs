/** How many mutations of all clients together are remembered. */
const REMEMBERED = 1000;

/**
 * The results of the latest mutations. If a client loses its connection before the reply, it sends the mutation
 * again, and it must not run twice.
 */
export class MutationMemory {
  /** @type {Map<string, Promise<any>>} oldest first */
  #outcomes = new Map();

  /**
   * Runs a mutation. If one with the same key ran or is running, returns its
   * outcome instead.
   */
  once(key, run) {
    const known = this.#outcomes.get(key);
    if (known) return known;
    const outcome = run();
    this.#outcomes.set(key, outcome);
    if (this.#outcomes.size > REMEMBERED) {
      const [oldest] = this.#outcomes.keys();
      this.#outcomes.delete(oldest);
    }
    return outcome;
  }
}
