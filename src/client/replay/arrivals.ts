interface Arrival {
  stepNumber: number;
  entry?: { completedAt?: number };
}

/** The results to deliver. The one that has waited longest is next. */
export class Arrivals<Step extends Arrival> {
  /** Sorted so that the next is last, unless something was added since. */
  private steps: Step[] = [];
  private isSorted = true;

  get size(): number {
    return this.steps.length;
  }

  add(step: Step) {
    this.steps.push(step);
    this.isSorted = false;
  }

  /** The one that has waited longest first. */
  all(): Step[] {
    this.sort();
    return [...this.steps].reverse();
  }

  remove(step: Step) {
    this.steps = this.steps.filter((each) => each !== step);
  }

  takeLongestWaiting(): Step {
    this.sort();
    return this.steps.pop()!;
  }

  /** By (completedAt, stepNumber). */
  private sort() {
    if (!this.isSorted)
      this.steps.sort(
        (a, b) =>
          b.entry!.completedAt! - a.entry!.completedAt! ||
          b.stepNumber - a.stepNumber,
      );
    this.isSorted = true;
  }
}
