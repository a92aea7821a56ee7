import { currentLayer, type Combinators } from "./layers.js";
import { areInPlace, replaceProperties } from "./replaceProperties.js";

type Name = keyof Combinators;
type Combinator = NonNullable<Combinators[Name]>;

const originals = new Map<Name, Combinator>();
const dispatchers = (["all", "allSettled", "race", "any"] as const).map(
  (name) => [name, createDispatcher(name)] as const,
);

/**
 * Makes `Promise`'s combinators call those of the current layer. Call the returned function to undo that.
 */
export function installCombinators(): () => void {
  for (const [name] of dispatchers)
    originals.set(name, Reflect.get(Promise, name) as Combinator);
  return replaceProperties(Promise, dispatchers);
}

/** Whether the replacements are still in place. A handler may have assigned something else. */
export const combinatorsAreInPlace = () => areInPlace(Promise, dispatchers);

function createDispatcher(name: Name): Combinator {
  const dispatch: Combinator = function (values) {
    const layer = this === Promise ? currentLayer() : undefined;
    const combinator = layer?.combinators?.[name] ?? originals.get(name)!;
    return combinator.call(this, values);
  };
  return Object.defineProperty(dispatch, "name", { value: name });
}
