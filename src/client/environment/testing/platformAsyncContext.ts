/** The host's async context, which carries a store through promises and host calls. */
export interface AsyncContext {
  run<R>(store: unknown, callback: () => R): R;
  get(): unknown;
}

export function asyncContextGlobals(create: () => AsyncContext) {
  class AsyncLocalStorage {
    #context = create();

    run<R>(store: unknown, callback: (...args: any[]) => R, ...args: any[]): R {
      return this.#context.run(store, () => callback(...args));
    }
    exit<R>(callback: (...args: any[]) => R, ...args: any[]): R {
      return this.run(undefined, callback, ...args);
    }
    getStore() {
      return this.#context.get();
    }
  }
  return { AsyncLocalStorage };
}
