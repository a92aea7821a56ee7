import { afterEach, expect, test } from "vitest";
import { installCombinators } from "./combinators.js";
import { addLayer, type Combinators, type Layer } from "./layers.js";

const NAMES = ["all", "allSettled", "race", "any"] as const;
const before = Object.getOwnPropertyDescriptors(Promise);

afterEach(() => {
  expect(Object.getOwnPropertyDescriptors(Promise)).toEqual(before);
});

/** Combinators that return the name of their layer, their own name and how they were called. */
function answering(answer: string): Combinators {
  return Object.fromEntries(
    NAMES.map((name) => [
      name,
      async function (this: PromiseConstructor, values) {
        return [answer, name, this, values];
      } satisfies Combinators[typeof name],
    ]),
  );
}

const add = (layer: Layer) => addLayer(layer, installCombinators);

const none: unknown[] = [];

test("the layer's combinators get the call's this and its iterable until the layer is removed", async () => {
  const remove = add({
    combinators: answering("mine"),
    isCurrent: () => true,
  });
  const values = new Set<unknown>([1]);
  const answers = NAMES.map((name) => {
    const combinator = Reflect.get(
      Promise,
      name,
    ) as Required<Combinators>["all"];
    return combinator.call(Promise, values);
  });
  const patched = Object.getOwnPropertyDescriptors(Promise);
  const all = Promise.all.bind(Promise);
  remove();
  for (const [i, name] of NAMES.entries()) {
    const answer = (await answers[i]) as unknown[];
    expect(answer).toEqual(["mine", name, Promise, values]);
    expect(answer[3]).toBe(values);
    expect(patched[name]).toEqual({
      ...before[name],
      value: expect.any(Function) as unknown,
    });
    expect(patched[name].value).toHaveProperty("name", name);
    expect(patched[name].value).toHaveProperty("length", 1);
  }
  // It has outlived its handler.
  expect(await all(values)).toEqual([1]);
});

test("combinators that the layer lacks, and those of a subclass, are the originals", async () => {
  class Later<T> extends Promise<T> {}
  const remove = add({
    combinators: { all: async () => "replaced" },
    isCurrent: () => true,
  });
  const race = Promise.race([Promise.resolve(1)]);
  const later = Later.all([Later.resolve(2)]);
  remove();
  expect(await race).toBe(1);
  expect(later).toBeInstanceOf(Later);
  expect(await later).toEqual([2]);
});

test("only the layer of the running handler is used", async () => {
  let current = "";
  const layer = (name: string) =>
    add({
      combinators: answering(name),
      isCurrent: () => current === name,
    });
  const all = (name: string) => {
    current = name;
    return Promise.all(none);
  };
  // Left in the order in which they were entered, not in reverse.
  const removeA = layer("a");
  const removeB = layer("b");
  const both = [all("a"), all("b"), all("neither")];
  removeA();
  const onlyB = [all("a"), all("b")];
  removeB();
  const own = (name: string) => [name, "all", Promise, none];
  expect(await Promise.all(both)).toEqual([own("a"), own("b"), []]);
  expect(await Promise.all(onlyB)).toEqual([[], own("b")]);
});
