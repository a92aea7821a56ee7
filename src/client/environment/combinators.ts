import { replaceProperties } from "./replaceProperties.js";

type CombinatorName = "all" | "allSettled" | "race" | "any";

type Combinator = (
  this: PromiseConstructor,
  values: Iterable<unknown>,
) => Promise<unknown>;

export type Combinators = Partial<Record<CombinatorName, Combinator>>;

interface Layer {
  combinators: Combinators;
  /** Whether the code now running is that of this layer's handler. */
  isCurrent(): boolean;
}

const NAMES: CombinatorName[] = ["all", "allSettled", "race", "any"];

/**
 * The handlers that are running, oldest first. On the platform there is one at
 * most. Under convex-test handlers of several calls may be between their enter
 * and leave at a time, and share one `Promise`: all of them go through the same
 * dispatchers, and the last to leave restores the originals.
 */
const layers: Layer[] = [];
const dispatchers = NAMES.map(
  (name) => [name, createDispatcher(name)] as const,
);
const originals = new Map<CombinatorName, Combinator>();
let restoreOriginals: () => void;

/**
 * Lets `layer` answer for `Promise`'s combinators while its handler runs. The
 * function returned takes it away again.
 */
export function installCombinators(layer: Layer): () => void {
  if (layers.length === 0) {
    for (const name of NAMES) {
      originals.set(name, Reflect.get(Promise, name) as Combinator);
    }
    restoreOriginals = replaceProperties(Promise, dispatchers);
  }
  layers.push(layer);
  return () => {
    layers.splice(layers.indexOf(layer), 1);
    if (layers.length === 0) restoreOriginals();
  };
}

function createDispatcher(name: CombinatorName): Combinator {
  const dispatch: Combinator = function (values) {
    const layer = this === Promise ? currentLayer() : undefined;
    const combinator = layer?.combinators[name] ?? originals.get(name)!;
    return combinator.call(this, values);
  };
  return Object.defineProperty(dispatch, "name", { value: name });
}

function currentLayer(): Layer | undefined {
  for (let i = layers.length - 1; i >= 0; i--) {
    if (layers[i]!.isCurrent()) return layers[i];
  }
  return undefined;
}
