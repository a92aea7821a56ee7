import type { WakeCondition } from "./journal.js";
import { StepPromise, type Combinator } from "./stepPromise.js";

type Kind = Combinator["kind"];
type CombinatorFunction = (
  this: PromiseConstructor,
  values: Iterable<unknown>,
) => Promise<unknown>;

/**
 * Replace the static methods of Promise while a handler runs. They do the same as the originals, and record the steps
 * that they are applied to directly.
 */
export function trackingCombinators(): Record<Kind, CombinatorFunction> {
  let created = 0;
  const track = (kind: Kind): CombinatorFunction => {
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const original = Promise[kind] as CombinatorFunction;
    return function (this: PromiseConstructor, values) {
      let members: unknown[];
      try {
        members = [...values];
      } catch (error) {
        return Promise.reject(error);
      }
      const combinator: Combinator = { kind, id: created++, settled: false };
      const result = original.call(
        this,
        members.map((member) =>
          member instanceof StepPromise ? member.trackIn(combinator) : member,
        ),
      );
      const settled = () => void (combinator.settled = true);
      result.then(settled, settled);
      return result;
    };
  };
  return {
    all: track("all"),
    allSettled: track("allSettled"),
    race: track("race"),
    any: track("any"),
  };
}

/** Which result of a step in flight can matter to the blocked handler, derived from its subscribers. */
export function wakeConditionOf(promise: StepPromise): WakeCondition {
  if (promise.hasSubscriber) return { wakes: "always" };
  const [only, ...more] = promise.combinators.filter(({ settled }) => !settled);
  if (!only) return { wakes: "never" };
  if (more.length > 0 || only.kind === "race") return { wakes: "always" };
  return { wakes: only.kind, group: only.id };
}
