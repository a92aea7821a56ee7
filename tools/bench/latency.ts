/** A range in milliseconds. */
type Span = [shortest: number, longest: number];

const NONE: Span = [0, 0];

/**
 * A model of a backend's latency. A scheduled function starts some time after it is due (a hop), and an action's call
 * begins some time after it is made. Everything else takes no time. The values come from a seed, so every run has the
 * same.
 */
export class Latency {
  private state = 1;

  constructor(
    private readonly hops: Span,
    private readonly calls: Span,
  ) {}

  hop(): number {
    return this.draw(this.hops);
  }

  call(): number {
    return this.draw(this.calls);
  }

  private draw([shortest, longest]: Span): number {
    if (longest === 0) return 0;
    // Park and Miller's minimal standard generator.
    this.state = (this.state * 16807) % 2147483647;
    const share = this.state / 2147483647;
    return Math.round(shortest + share * (longest - shortest));
  }
}

export const noLatency = () => new Latency(NONE, NONE);
export const usualLatency = () => new Latency([5, 25], [2, 8]);
