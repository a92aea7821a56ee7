import { HostCalls } from "./hostCalls.js";

/** Runs a callback once no microtask is left, not even those queued by others. */
type AfterMicrotasks = (callback: () => void) => void;

interface EventLoop {
  process?: { nextTick?: AfterMicrotasks };
  setImmediate?: AfterMicrotasks;
  MessageChannel?: new () => { port1: Port; port2: Port };
}

interface Port {
  onmessage: unknown;
  postMessage(message: unknown): void;
  close(): void;
}

/**
 * Read when the module loads: a running handler sees no `process`, and tests
 * replace timers with fake ones.
 */
const afterMicrotasks = findAfterMicrotasks(globalThis);

/**
 * Lets run what is due before any macrotask. A handler is entered after that: test runners have ticks
 * that use `process`, which is hidden from then on. The platform has no such thing.
 */
export const settle =
  afterMicrotasks &&
  (() => new Promise<void>((resolve) => afterMicrotasks(resolve)));

/**
 * Makes a function whose promise resolves when the handler is blocked: every
 * microtask that it queued has run, and none of the host calls that it made is
 * pending. What awaits it goes on before any timer, immediate or other
 * macrotask, unless one of those calls takes longer.
 *
 * Counting microtask hops can't tell that: a handler may take any number of
 * them between two steps. Something has to run that waits for the queue to be
 * empty. On Convex's platform that is any call to the host: the event loop acts
 * on a pending call only after V8 has nothing left to run, and answers calls in
 * the order in which they were made. In Node, and so under convex-test, where a
 * call is answered by more microtasks, it is the queue of `process.nextTick`;
 * the platform has neither that nor its like.
 */
export function createQuiesce(
  hostCall: () => Promise<unknown>,
  calls = new HostCalls(),
): () => Promise<void> {
  // A call that fails has been to the host as well.
  const done = () => {};
  const drain = settle ?? (() => hostCall().then(done, done));
  return async () => {
    for (;;) {
      await drain();
      if (calls.areAnswered) return;
      // Each answer lets the handler go on, and it may call again.
      await calls.answered();
    }
  };
}

/** The event loop's own means to wait, if it has any. */
export function findAfterMicrotasks(
  loop: EventLoop,
): AfterMicrotasks | undefined {
  const nextTick = loop.process?.nextTick;
  if (typeof nextTick === "function") {
    // Ticks run one after the other, microtasks between two rounds of them. One
    // that a microtask asks for runs when the microtasks of its round are done;
    // one that a tick or a macrotask asks for might run before they begin.
    return (callback) => void Promise.resolve().then(() => nextTick(callback));
  }
  const { setImmediate, MessageChannel } = loop;
  if (typeof setImmediate === "function") {
    return (callback) => void setImmediate(callback);
  }
  if (typeof MessageChannel === "function") {
    return (callback) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        callback();
      };
      port2.postMessage(undefined);
    };
  }
  return undefined;
}
