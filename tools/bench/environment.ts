/** Silences the console, because steps fail on purpose. */
export function quiet() {
  for (const method of ["log", "info", "warn", "error"] as const)
    globalThis.console[method] = () => {};
}

/** Makes the random delays of retries the same every time. */
export function seedRandom() {
  let state = 1;
  Math.random = () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}
