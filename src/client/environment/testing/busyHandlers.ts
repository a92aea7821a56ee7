/** Handlers that take many microtasks before they block. Each calls `done` when it ends. */
export const busyHandlers: Record<string, (done: () => void) => void> = {
  "awaits 10,000 times": (done) => {
    void hop(10_000).then(done);
  },
  "awaits async functions that await": (done) => {
    const nested = async (depth: number): Promise<void> => {
      if (depth > 0) await nested(depth - 1);
      await hop(3);
    };
    void nested(1000).then(done);
  },
  "goes through an async generator": (done) => {
    async function* inner() {
      for (let i = 0; i < 100; i++) yield Promise.resolve(i);
    }
    async function* outer() {
      for (let i = 0; i < 10; i++) yield* inner();
    }
    void (async () => {
      for await (const _value of outer()) await Promise.resolve();
      done();
    })();
  },
  "unwraps thenables within thenables": (done) => {
    interface Thenable {
      then(resolve: (value: unknown) => void): void;
    }
    const wrap = (depth: number): Thenable => ({
      then(resolve) {
        void Promise.resolve().then(() =>
          resolve(depth === 0 ? null : wrap(depth - 1)),
        );
      },
    });
    void Promise.resolve(wrap(1000)).then(done);
  },
  "combines combinators": (done) => {
    const branch = (n: number) =>
      Promise.any([
        Promise.all([hop(n), hop(2 * n)]),
        Promise.allSettled([Promise.reject(new Error("no")), hop(3 * n)]),
      ]);
    void Promise.all(Array.from({ length: 50 }, (_, n) => branch(n))).then(
      done,
    );
  },
  "catches rejections again and again": (done) => {
    let chain = Promise.resolve();
    for (let i = 0; i < 1000; i++) {
      chain = chain
        .then(() => Promise.reject(new Error("no")))
        .catch(() => undefined)
        .finally(() => hop(1));
    }
    void chain.then(done);
  },
};

async function hop(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await Promise.resolve();
}

/** Runs all handlers at once, and returns those that `quiesce` did not wait for. */
export async function notWaitedFor(
  quiesce: () => Promise<void>,
): Promise<string[]> {
  const running = new Set(Object.keys(busyHandlers));
  for (const [name, run] of Object.entries(busyHandlers)) {
    run(() => running.delete(name));
  }
  await quiesce();
  return [...running];
}
