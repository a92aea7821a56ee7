/** Counts the progress of runs in memory, so it costs no database access. */
class Progress {
  /** Handlers that have returned. */
  finished = 0;
  /** Actions that have begun. */
  actionsBegun = 0;
  private attempts = new Map<number, number>();

  reset() {
    this.finished = 0;
    this.actionsBegun = 0;
    this.attempts.clear();
  }

  /** Returns the number of this attempt of step `i`, from 1. */
  attempt(i: number): number {
    const attempt = (this.attempts.get(i) ?? 0) + 1;
    this.attempts.set(i, attempt);
    return attempt;
  }
}

export const progress = new Progress();
