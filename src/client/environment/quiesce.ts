import { HostCalls } from "./hostCalls.js";

/** Runs a callback once the microtask queue is empty. */
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
 * Read when the module loads, because a running handler has no `process`, and
 * tests replace timers with fake ones.
 */
const afterMicrotasks = findAfterMicrotasks(globalThis);

/**
 * Runs everything that is due before the next macrotask. Only then is the handler entered, because test runners have
 * ticks that use `process`, which is hidden from then on. The platform has none.
 */
export const settle =
  afterMicrotasks &&
  (() => new Promise<void>((resolve) => afterMicrotasks(resolve)));

/**
 * Makes a function whose promise resolves when the handler is blocked. Then
 * every microtask that it queued has run, and none of its host calls is pending.
 * Code that awaits this continues before any timer, immediate or other
 * macrotask, unless one of those calls takes longer.
 *
 * Counting microtasks can't detect that, because a handler may take any number
 * of them between two steps. Something has to wait until the queue is empty. On
 * Convex's platform, any call to the host does: the event loop acts on a pending
 * call only after V8 has nothing left to run, and replies to calls in their
 * order. In Node, and so in convex-test, more microtasks reply to a call, so the
 * queue of `process.nextTick` is used. The platform has no such queue.
 */
export function createQuiesce(
  hostCall: () => Promise<unknown>,
  calls = new HostCalls(),
): () => Promise<void> {
  // A call that fails has also reached the host.
  const done = () => {};
  const drain = settle ?? (() => hostCall().then(done, done));
  return async () => {
    for (;;) {
      await drain();
      if (calls.areAnswered) return;
      // Each reply resumes the handler, which may make further calls.
      await calls.answered();
    }
  };
}

/** The event loop's own way to wait, if it has one. */
export function findAfterMicrotasks(
  loop: EventLoop,
): AfterMicrotasks | undefined {
  const nextTick = loop.process?.nextTick;
  if (typeof nextTick === "function") {
    // Ticks run one after another, and microtasks run between two rounds of ticks.
    // A tick that a microtask requests runs after the microtasks of its round. A
    // tick that a tick or a macrotask requests might run before they begin.
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
