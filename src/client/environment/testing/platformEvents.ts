type Listener =
  ((event: unknown) => void) | { handleEvent(event: unknown): void };

/** Events and abort signals, the globals of a Convex function that need no host. */
export function eventGlobals(): Record<string, unknown> {
  class DOMException extends Error {
    constructor(
      message = "",
      override readonly name = "Error",
    ) {
      super(message);
    }
  }

  class Event {
    target: unknown = null;
    defaultPrevented = false;
    readonly cancelable: boolean;

    constructor(
      readonly type: string,
      options: { cancelable?: boolean } = {},
    ) {
      this.cancelable = options.cancelable ?? false;
    }
    preventDefault() {
      if (this.cancelable) this.defaultPrevented = true;
    }
  }

  class EventTarget {
    #listeners = new Map<string, Map<Listener, { once?: boolean }>>();

    addEventListener(
      type: string,
      listener: Listener | null,
      options: { once?: boolean } | boolean = {},
    ) {
      if (listener === null) return;
      const listeners = this.#listeners.get(type) ?? new Map();
      this.#listeners.set(type, listeners);
      if (listeners.has(listener)) return;
      listeners.set(listener, typeof options === "boolean" ? {} : options);
    }
    removeEventListener(type: string, listener: Listener) {
      this.#listeners.get(type)?.delete(listener);
    }
    dispatchEvent(event: Event): boolean {
      event.target = this;
      for (const [listener, { once }] of [
        ...(this.#listeners.get(event.type) ?? []),
      ]) {
        if (once) this.removeEventListener(event.type, listener);
        if (typeof listener === "function") listener.call(this, event);
        else listener.handleEvent(event);
      }
      return !event.defaultPrevented;
    }
  }

  let abort: (signal: AbortSignal, reason: unknown) => void;

  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason: unknown;
    onabort: ((event: unknown) => void) | null = null;

    static {
      abort = (signal, reason) => {
        if (signal.#aborted) return;
        signal.#aborted = true;
        signal.#reason =
          reason ??
          new DOMException("This operation was aborted", "AbortError");
        const event = new Event("abort");
        signal.onabort?.(event);
        signal.dispatchEvent(event);
      };
    }
    static abort(reason?: unknown) {
      const signal = new AbortSignal();
      abort(signal, reason);
      return signal;
    }
    static any(signals: Iterable<AbortSignal>) {
      const any = new AbortSignal();
      for (const signal of signals) {
        const follow = () => abort(any, signal.reason);
        if (signal.aborted) follow();
        else signal.addEventListener("abort", follow, { once: true });
      }
      return any;
    }
    /** Works in actions only. Elsewhere, a timer ends the function. */
    static timeout(ms: number) {
      const signal = new AbortSignal();
      setTimeout(
        () =>
          abort(
            signal,
            new DOMException("The operation timed out", "TimeoutError"),
          ),
        ms,
      );
      return signal;
    }
    get aborted() {
      return this.#aborted;
    }
    get reason() {
      return this.#reason;
    }
    throwIfAborted() {
      if (this.#aborted) throw this.#reason;
    }
  }

  class AbortController {
    readonly signal = new AbortSignal();

    abort(reason?: unknown) {
      abort(this.signal, reason);
    }
  }

  return { AbortController, AbortSignal, DOMException, Event, EventTarget };
}
