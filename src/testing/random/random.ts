/** A source of random choices that a seed determines. */
export class Random {
  private state: number;

  constructor(readonly seed: number) {
    // Similar seeds must not yield similar sequences.
    this.state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) | 0;
    this.next();
    this.next();
  }

  /** Returns a number from 0 up to, but not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns an integer from 0 up to, but not including, `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error("There is nothing to pick");
    return choices[this.below(choices.length)]!;
  }

  /** Returns one of the keys of `weights`, in proportion to their values. */
  weighted<Key extends string>(weights: Record<Key, number>): Key {
    const entries = Object.entries(weights) as [Key, number][];
    let left =
      this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) if ((left -= weight) < 0) return key;
    return entries.at(-1)![0];
  }

  /** Returns an independent source, so that more choices in one part don't change those in another. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 31));
  }
}
