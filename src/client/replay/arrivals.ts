interface Arrival {
  stepNumber: number;
  entry?: { completedAt?: number };
}

/** Results that wait to be shown, of which the one that has waited longest is next. */
export class Arrivals<Step extends Arrival> {
  /** Sorted, the next last, unless something was added since. */
  private steps: Step[] = [];
  private isSorted = true;

  get size(): number {
    return this.steps.length;
  }

  add(step: Step) {
    this.steps.push(step);
    this.isSorted = false;
  }

  /** By (completedAt, stepNumber). */
  takeLongestWaiting(): Step {
    if (!this.isSorted)
      this.steps.sort(
        (a, b) =>
          b.entry!.completedAt! - a.entry!.completedAt! ||
          b.stepNumber - a.stepNumber,
      );
    this.isSorted = true;
    return this.steps.pop()!;
  }
}
