/**
 * The queue between a handler of 0.4 and its replay.
 *
 * The order in which branches of such a handler resume depends on the number of microtasks between a request and its
 * reply, so those numbers are part of the rules. A value is buffered as a promise. If a taker came first, it gets that
 * promise through another promise.
 */
export class LegacyQueue<T> {
  private readonly buffer: Promise<T>[] = [];
  private readonly takers: ((value: Promise<T>) => void)[] = [];
  private readonly senders: { value: Promise<T>; accepted: () => void }[] = [];

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.buffer.length;
  }

  /** Resolves when the value is in the queue. If the queue is full, senders wait in order. */
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
