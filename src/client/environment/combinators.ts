import { Layers, type Layer } from "./layers.js";
import { areInPlace, replaceProperties } from "./replaceProperties.js";

type CombinatorName = "all" | "allSettled" | "race" | "any";

type Combinator = (
  this: PromiseConstructor,
  values: Iterable<unknown>,
) => Promise<unknown>;

export type Combinators = Partial<Record<CombinatorName, Combinator>>;

interface CombinatorLayer extends Layer {
  combinators: Combinators;
}

const NAMES: CombinatorName[] = ["all", "allSettled", "race", "any"];

const dispatchers = NAMES.map(
  (name) => [name, createDispatcher(name)] as const,
);
const originals = new Map<CombinatorName, Combinator>();
const layers = new Layers<CombinatorLayer>(() => {
  for (const name of NAMES)
    originals.set(name, Reflect.get(Promise, name) as Combinator);
  return replaceProperties(Promise, dispatchers);
});

/**
 * Replaces `Promise`'s combinators with those of `layer` while its handler runs. Call the returned
 * function to undo that.
 */
export const installCombinators = (layer: CombinatorLayer) => layers.add(layer);

/** Whether the replacements are still in place. A handler may have assigned something else. */
export const combinatorsAreInPlace = () => areInPlace(Promise, dispatchers);

function createDispatcher(name: CombinatorName): Combinator {
  const dispatch: Combinator = function (values) {
    const layer = this === Promise ? layers.current() : undefined;
    const combinator = layer?.combinators[name] ?? originals.get(name)!;
    return combinator.call(this, values);
  };
  return Object.defineProperty(dispatch, "name", { value: name });
}
