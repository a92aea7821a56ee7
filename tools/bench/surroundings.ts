/** The logs of steps that fail on purpose aren't printed. */
export function quiet() {
  for (const method of ["log", "info", "warn", "error"] as const)
    globalThis.console[method] = () => {};
}

/** Delays of retries are random: here they are the same in each run. */
export function seedRandom() {
  let state = 1;
  Math.random = () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}
