/**
 * Counts how often each hazard occurred. A random test fails if one of its hazards never
 * occurs, because it then doesn't test it.
 */
export class Coverage<Hazard extends string> {
  private readonly counts: Map<Hazard, number>;

  constructor(
    private readonly suite: string,
    hazards: readonly Hazard[],
  ) {
    this.counts = new Map(hazards.map((hazard) => [hazard, 0]));
  }

  hit(hazard: Hazard, times = 1) {
    const before = this.counts.get(hazard);
    if (before === undefined)
      throw new Error(`${this.suite}: undeclared hazard "${hazard}"`);
    this.counts.set(hazard, before + times);
  }

  summary(): string {
    const counts = [...this.counts].map(([hazard, n]) => `${hazard} ${n}`);
    return `[${this.suite}] ${counts.join(" · ")}`;
  }

  missed(): Hazard[] {
    return [...this.counts].flatMap(([hazard, n]) => (n === 0 ? [hazard] : []));
  }

  /** Prints one line, and fails if a hazard never occurred. */
  report() {
    console.info(this.summary());
    const missed = this.missed();
    if (missed.length > 0)
      throw new Error(
        `${this.suite}: never hit: ${missed.join(", ")}. Run more seeds, or have the generator make them more often.`,
      );
  }
}
