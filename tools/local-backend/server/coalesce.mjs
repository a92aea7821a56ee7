/**
 * Combines all requests that arrive while `work` runs into a single run after it.
 *
 * @param {() => Promise<void>} work
 * @returns {() => Promise<void>} requests a run, and resolves when no request is
 *   left
 */
export function coalesce(work) {
  let isRequested = false;
  let running;
  const run = async () => {
    try {
      while (isRequested) {
        isRequested = false;
        await work();
      }
    } finally {
      running = undefined;
    }
  };
  return () => {
    isRequested = true;
    // Starts after `running` is set, because `work` may request a run itself.
    return (running ??= Promise.resolve().then(run));
  };
}
