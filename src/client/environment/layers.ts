type Combinator = (
  this: PromiseConstructor,
  values: Iterable<unknown>,
) => Promise<unknown>;

/** Replacements for the static methods of `Promise` that take several promises. */
export type Combinators = Partial<
  Record<"all" | "allSettled" | "race" | "any", Combinator>
>;

/** A handler that is running, as the patches see it. */
export interface Layer {
  /** Whether the running code belongs to this layer's handler. */
  isCurrent(): boolean;
  combinators?: Combinators;
  hostCalls?: { track(reply: Promise<unknown>): void };
  /** The reasons of its unhandled rejections. */
  rejections?: unknown[];
}

/**
 * The running handlers, oldest first. On the platform, there is at most one. In
 * convex-test, handlers of several calls may be between enter and leave at a
 * time. They share the patches that `install` makes for the first of them, and
 * the last to leave restores the globals.
 */
const layers: Layer[] = [];
let restore: () => void;

/** Call the returned function to remove the layer. */
export function addLayer(layer: Layer, install: () => () => void): () => void {
  if (layers.length === 0) restore = install();
  layers.push(layer);
  return () => {
    layers.splice(layers.indexOf(layer), 1);
    if (layers.length === 0) restore();
  };
}

/** The layer of the handler to which the running code belongs. */
export function currentLayer(): Layer | undefined {
  for (let at = layers.length - 1; at >= 0; at--)
    if (layers[at]!.isCurrent()) return layers[at];
  return undefined;
}
