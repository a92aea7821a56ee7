/**
 * The replay rules that new runs begin under, and the newest that this release knows. A run keeps the rules that it
 * began under. Raise this number with every change of the rules.
 */
export const REPLAY_VERSION = 1;

/** Whether 0.4 began a run. */
export const isLegacy = (run: { engineVersion?: number }) =>
  run.engineVersion === undefined;
