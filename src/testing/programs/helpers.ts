// Small libraries that apps copy or install.

/** Works like `p-limit`. */
export function limiter(concurrency: number) {
  const queue: (() => void)[] = [];
  let active = 0;
  const next = () => {
    active--;
    queue.shift()?.();
  };
  return <T>(work: () => Promise<T>): Promise<T> =>
    new Promise((resolve) => {
      const run = async () => {
        active++;
        const result = work();
        resolve(result);
        try {
          await result;
        } catch {
          // The caller receives the error.
        }
        next();
      };
      queue.push(() => void run());
      void (async () => {
        await Promise.resolve();
        if (active < concurrency) queue.shift()?.();
      })();
    });
}

/** Works like `p-map`. Either the first failure ends all calls, or it throws all failures at the end. */
export function mapper<In, Out>(
  items: In[],
  work: (item: In) => Promise<Out>,
  { concurrency, stopOnError }: { concurrency: number; stopOnError: boolean },
): Promise<Out[]> {
  return new Promise((resolve, reject) => {
    const results: Out[] = [];
    const errors: unknown[] = [];
    let index = 0;
    let active = 0;
    let isOver = false;
    const next = () => {
      if (isOver) return;
      if (index === items.length && active === 0) {
        isOver = true;
        if (errors.length > 0) reject(new AggregateError(errors));
        else resolve(results);
        return;
      }
      while (active < concurrency && index < items.length) {
        const at = index++;
        active++;
        work(items[at]!)
          .then(
            (result) => (results[at] = result),
            (error) => {
              if (stopOnError) {
                isOver = true;
                reject(error);
              } else errors.push(error);
            },
          )
          .finally(() => {
            active--;
            next();
          });
      }
    };
    next();
  });
}

export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

export class Semaphore {
  readonly #waiting: (() => void)[] = [];

  constructor(private left: number) {}

  async acquire() {
    if (this.left > 0) this.left--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  release() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.left++;
  }
}

/** Delivers pushed items to its iterators. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #isClosed = false;

  push(value: T) {
    const next = this.#waiting.shift();
    if (next) next({ value, done: false });
    else this.#values.push(value);
  }

  close() {
    this.#isClosed = true;
    for (const next of this.#waiting.splice(0))
      next({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => {
        if (this.#values.length > 0)
          return Promise.resolve({ value: this.#values.shift()!, done: false });
        if (this.#isClosed)
          return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => this.#waiting.push(resolve));
      },
    };
  }
}

/** Does nothing until it is awaited, like an effect in a functional library. */
export class Task<T> implements PromiseLike<T> {
  constructor(private readonly run: () => Promise<T>) {}

  map<U>(change: (value: T) => U): Task<U> {
    return new Task(async () => change(await this.run()));
  }

  flatMap<U>(next: (value: T) => Task<U>): Task<U> {
    return new Task(async () => await next(await this.run()));
  }

  either(): Task<{ right: T } | { left: string }> {
    return new Task(async () => {
      try {
        return { right: await this.run() };
      } catch (error) {
        return { left: messageOf(error) };
      }
    });
  }

  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.run().then(fulfilled, rejected);
  }
}

/** A promise with its own field, which `then` and `all` keep. */
export class LabelledPromise<T> extends Promise<T> {
  label = "labelled";
}

/** Works like `AbortController`. It rejects pending promises. */
export class Aborter {
  readonly #listeners = new Set<() => void>();

  abort() {
    for (const listener of this.#listeners) listener();
  }

  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#listeners.add(() => reject(new Error("Aborted")));
      promise.then(resolve, reject);
    });
  }
}

export function memoized<In, Out>(work: (input: In) => Promise<Out>) {
  const known = new Map<In, Promise<Out>>();
  return (input: In): Promise<Out> => {
    const result = known.get(input) ?? work(input);
    known.set(input, result);
    return result;
  };
}

/** Drives a generator that yields promises, like `co`. */
export async function drive(
  generator: Generator<Promise<unknown>, unknown, any>,
) {
  let state = generator.next();
  while (!state.done) {
    try {
      state = generator.next(await state.value);
    } catch (error) {
      state = generator.throw(error);
    }
  }
  return state.value;
}

/** Returns the first line of an error's message, without the platform's prefix. */
export const messageOf = (error: unknown) =>
  (error as Error).message
    .split("\n")[0]!
    .replace(/^((Uncaught )|(\w*Error: ))*/, "");
