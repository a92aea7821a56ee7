import { HostCalls } from "./hostCalls.js";

/**
 * Node's `nextTick`, which convex-test needs. The platform has none. It is read when the module loads, because a running
 * handler has no `process`, and tests replace timers with fake ones.
 */
const nextTick = (
  globalThis as { process?: { nextTick?: (callback: () => void) => void } }
).process?.nextTick;

/**
 * Runs everything that is due before the next macrotask. Only then is the handler entered, because test runners have
 * ticks that use `process`, which is hidden from then on.
 *
 * Ticks run one after another, and microtasks run between two rounds of ticks. A tick that a microtask requests runs
 * after the microtasks of its round. A tick that a tick or a macrotask requests might run before they begin.
 */
export const settle =
  nextTick &&
  (async () => {
    await Promise.resolve();
    await new Promise<void>((resolve) => nextTick(resolve));
  });

/**
 * Makes a function whose promise resolves when the handler is blocked. Then
 * every microtask that it queued has run, and none of its host calls is pending.
 * Code that awaits this continues before any timer, immediate or other
 * macrotask, unless one of those calls takes longer.
 *
 * Counting microtasks can't detect that, because a handler may take any number
 * of them between two steps, so something must wait until the queue is empty. On
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
