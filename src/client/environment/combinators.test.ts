import { afterEach, expect, test } from "vitest";
import { installCombinators } from "./combinators.js";
import { addLayer, type Combinators, type Layer } from "./layers.js";

const NAMES = ["all", "allSettled", "race", "any"] as const;
const before = Object.getOwnPropertyDescriptors(Promise);

afterEach(() => {
  expect(Object.getOwnPropertyDescriptors(Promise)).toEqual(before);
});

/** Combinators that identify their layer. */
function answering(answer: string): Combinators {
  return Object.fromEntries(
    NAMES.map((name) => [name, async () => `${answer} ${name}`]),
  );
}

const add = (layer: Layer) => addLayer(layer, installCombinators);

const none: unknown[] = [];

function call(name: (typeof NAMES)[number]): Promise<unknown> {
  const combinator = Reflect.get(Promise, name) as NonNullable<
    Combinators[typeof name]
  >;
  return combinator.call(Promise, none);
}

test("the layer's combinators are used until the layer is removed", async () => {
  const remove = add({
    combinators: answering("mine"),
    isCurrent: () => true,
  });
  const answers = NAMES.map((name) => call(name));
  const patched = Object.getOwnPropertyDescriptors(Promise);
  remove();
  for (const [i, name] of NAMES.entries()) {
    expect(await answers[i]).toBe(`mine ${name}`);
    expect(patched[name]).toEqual({
      ...before[name],
      value: expect.any(Function) as unknown,
    });
    expect(patched[name].value).toHaveProperty("name", name);
    expect(patched[name].value).toHaveProperty("length", 1);
  }
});

test("the layer's combinators receive the call's this and its iterable", async () => {
  const calls: unknown[] = [];
  const remove = add({
    combinators: {
      async all(this: PromiseConstructor, values) {
        calls.push(this, values);
      },
    },
    isCurrent: () => true,
  });
  const values = new Set<unknown>([1]);
  const result = Promise.all(values);
  remove();
  await result;
  expect(calls).toEqual([Promise, values]);
  expect(calls[1]).toBe(values);
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
  expect(await both[0]).toBe("a all");
  expect(await both[1]).toBe("b all");
  expect(await both[2]).toEqual([]);
  expect(await onlyB[0]).toEqual([]);
  expect(await onlyB[1]).toBe("b all");
});

test("a combinator that outlives its handler calls the original", async () => {
  const remove = add({
    combinators: answering("mine"),
    isCurrent: () => true,
  });
  const all = Promise.all.bind(Promise);
  remove();
  expect(await all([1])).toEqual([1]);
});
