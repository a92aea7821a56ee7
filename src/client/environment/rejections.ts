import { Layers, type Layer } from "./layers.js";

type Listener = (reason: unknown, promise: Promise<unknown>) => void;

/** Of Node's `process`, which the platform lacks. */
interface NodeProcess {
  rawListeners(event: "unhandledRejection"): Listener[];
  removeAllListeners(event: "unhandledRejection"): void;
  on(event: "unhandledRejection", listener: Listener): void;
}

/** Read when the module loads: a running handler sees no `process`. */
const node = nodeOf(globalThis as unknown as Surroundings);

interface Surroundings {
  process?: Partial<NodeProcess>;
}

function nodeOf({ process }: Surroundings): NodeProcess | undefined {
  return process?.rawListeners && (process as NodeProcess);
}

/** What a handler left rejected, with nothing to handle it. */
interface RejectionLayer extends Layer {
  reasons: unknown[];
}

/** The reason of a promise that is rejected after all others. */
const LAST = Symbol("last");
const waiting: (() => void)[] = [];

/** Whoever listens otherwise, to be told of what is no handler's. */
let others: Listener[] = [];

const layers = new Layers<RejectionLayer>(() => {
  if (!node) return () => {};
  others = node.rawListeners("unhandledRejection");
  const listenOnly = (listeners: Listener[]) => {
    node.removeAllListeners("unhandledRejection");
    for (const listener of listeners) node.on("unhandledRejection", listener);
  };
  listenOnly([notice]);
  return () => listenOnly(others);
});

const notice: Listener = (reason, promise) => {
  if (reason === LAST) return waiting.shift()?.();
  const layer = layers.current();
  if (layer) layer.reasons.push(reason);
  else for (const listener of others) listener(reason, promise);
};

/**
 * Collects the rejections that a layer's handler leaves unhandled until the function returned is called.
 * On the platform there are none: each ends the function before the next host call is answered. Node
 * knows no such rule, so `rejectionsReported` makes it tell what the platform would act on.
 */
export const collectRejections = (layer: RejectionLayer) => layers.add(layer);

/** Resolves when all that is rejected now, and has no handler, is collected. */
export async function rejectionsReported(): Promise<void> {
  if (!node) return;
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    // Node reports them in the order in which they were rejected.
    void Promise.reject(LAST);
  });
}
