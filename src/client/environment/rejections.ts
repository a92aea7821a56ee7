import { currentLayer } from "./layers.js";

type Listener = (reason: unknown, promise: Promise<unknown>) => void;

/** The part of Node's `process` that this uses. The platform lacks it. */
interface NodeProcess {
  rawListeners(event: "unhandledRejection"): Listener[];
  removeAllListeners(event: "unhandledRejection"): void;
  on(event: "unhandledRejection", listener: Listener): void;
}

const { process } = globalThis as unknown as { process?: Partial<NodeProcess> };

/** Read when the module loads, because a running handler has no `process`. */
const node = process?.rawListeners && (process as NodeProcess);

/** The reason of a promise that is rejected after all others. */
const LAST = Symbol("last");
const waiting: (() => void)[] = [];

/** The other listeners, which get the rejections that don't belong to a handler. */
let others: Listener[] = [];

const notice: Listener = (reason, promise) => {
  if (reason === LAST) return waiting.shift()?.();
  const rejections = currentLayer()?.rejections;
  if (rejections) rejections.push(reason);
  else for (const listener of others) listener(reason, promise);
};

/**
 * Collects the unhandled rejections of each layer's handler until you call the returned function. On the platform there
 * are none, because each ends the function before the reply to the next host call. Node has no such rule, so
 * `rejectionsReported` makes it report them.
 */
export function collectRejections(): () => void {
  if (!node) return () => {};
  others = node.rawListeners("unhandledRejection");
  const listenOnly = (listeners: Listener[]) => {
    node.removeAllListeners("unhandledRejection");
    for (const listener of listeners) node.on("unhandledRejection", listener);
  };
  listenOnly([notice]);
  return () => listenOnly(others);
}

/** Resolves when all current unhandled rejections are collected. */
export async function rejectionsReported(): Promise<void> {
  if (!node) return;
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    // Node reports them in the order in which they were rejected.
    void Promise.reject(LAST);
  });
}
