/**
 * Makes of all requests that come while `work` runs a single run after it.
 *
 * @param {() => Promise<void>} work
 * @returns {() => Promise<void>} requests a run; resolves when none is requested
 *   any more
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
    // Not before it is known to be running: `work` may request a run itself.
    return (running ??= Promise.resolve().then(run));
  };
}
