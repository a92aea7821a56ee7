/**
 * The queue between a handler of 0.4 and what answers it.
 *
 * The order in which branches of such a handler go on depends on how many microtasks lie between a
 * request and its answer, so what takes how many is part of the rules: a value is buffered as a
 * promise, and a taker who came first is handed that promise through another.
 */
export class LegacyQueue<T> {
  private readonly buffer: Promise<T>[] = [];
  private readonly takers: ((value: Promise<T>) => void)[] = [];
  private readonly senders: { value: Promise<T>; accepted: () => void }[] = [];

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.buffer.length;
  }

  /** Resolves when the value is in the queue: senders to a full queue wait, first come first served. */
  push(item: T): Promise<void> {
    const value = Promise.resolve(item);
    const taker = this.takers.shift();
    if (taker) taker(value);
    else if (this.buffer.length < this.capacity) this.buffer.push(value);
    else
      return new Promise((accepted) => this.senders.push({ value, accepted }));
    return Promise.resolve();
  }

  take(): Promise<T> {
    const value = this.buffer.shift();
    if (!value) return new Promise((resolve) => this.takers.push(resolve));
    const sender = this.senders.shift();
    if (sender) {
      this.buffer.push(sender.value);
      sender.accepted();
    }
    return value;
  }
}
