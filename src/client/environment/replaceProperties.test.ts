import { describe, expect, test } from "vitest";
import { replaceProperties } from "./replaceProperties.js";

type Target = Record<string, unknown>;

const target = (descriptor: PropertyDescriptor): Target =>
  Object.defineProperty({}, "it", descriptor);

const data = (attributes: PropertyDescriptor): PropertyDescriptor => ({
  value: "old",
  configurable: true,
  ...attributes,
});

const getter = (attributes: PropertyDescriptor): PropertyDescriptor => ({
  get: () => "old",
  configurable: true,
  ...attributes,
});

function keeping(attributes: PropertyDescriptor): PropertyDescriptor {
  let value: unknown = "old";
  return {
    get: () => value,
    set: (next) => void (value = next),
    ...attributes,
  };
}

function define(this: object, value: unknown) {
  Object.defineProperty(this, "it", { value, writable: true });
}

/** Each kind of property whose value can be replaced. */
const kinds: Record<string, () => PropertyDescriptor> = {
  writable: () => data({ writable: true, enumerable: true }),
  "writable, not configurable": () =>
    data({ writable: true, configurable: false }),
  "read-only": () => data({ writable: false }),
  "getter only": () => getter({}),
  "getter only, enumerable": () => getter({ enumerable: true }),
  "accessor that keeps the value": () => keeping({ configurable: true }),
  "accessor that keeps the value, not configurable": () => keeping({}),
  "accessor that becomes a data property": () => getter({ set: define }),
  "lazy accessor that becomes a data property when read": () => ({
    get(this: object) {
      define.call(this, "old");
      return "old";
    },
    set: define,
    configurable: true,
  }),
  "accessor whose setter throws": () =>
    getter({
      set() {
        throw new TypeError("no");
      },
    }),
  "accessor whose setter does nothing": () => getter({ set() {} }),
};

/** Changes that may happen to a property while it is replaced. */
const vandals: ((object: Target) => void)[] = [
  () => {},
  (object) => (object.it = "other"),
  (object) => delete object.it,
  (object) => Object.defineProperty(object, "it", getter({})),
  (object) =>
    Object.defineProperty(object, "it", { enumerable: true, value: 1 }),
];

describe.each(Object.entries(kinds))("%s", (_kind, descriptor) => {
  test("is replaced and restored repeatedly, even if it was changed meanwhile", () => {
    for (const vandal of vandals)
      for (const value of ["new", undefined]) {
        const object = target(descriptor());
        const before = Object.getOwnPropertyDescriptor(object, "it");
        for (let times = 0; times < 3; times++) {
          const restore = replaceProperties(object, [["it", value]]);
          expect(object.it).toBe(value);
          expect(Object.keys(object)).toEqual(before!.enumerable ? ["it"] : []);
          try {
            vandal(object);
          } catch {
            // This kind of property doesn't allow it.
          }
          restore();
          expect(Object.getOwnPropertyDescriptor(object, "it")).toEqual(before);
        }
        expect(object.it).toBe("old");
      }
  });
});

test.each<[string, PropertyDescriptor]>([
  ["read-only", data({ configurable: false })],
  ["getter only", getter({ configurable: false })],
])("a property that can't be changed keeps its value: %s", (_kind, fixed) => {
  const object = target(fixed);
  const restore = replaceProperties(object, [["it", "new"]]);
  expect(object.it).toBe("old");
  restore();
  expect(object.it).toBe("old");
});

test("a property that was absent or inherited is removed", () => {
  const object = Object.create({ inherited: 1 }) as Target;
  const restore = replaceProperties(object, [
    ["it", undefined],
    ["inherited", 2],
  ]);
  expect("it" in object).toBe(true);
  expect(object.inherited).toBe(2);
  expect(Object.keys(object)).toEqual([]);
  restore();
  expect("it" in object).toBe(false);
  expect(object.inherited).toBe(1);
});

test("accessors are assigned to, not redefined", () => {
  const assigned: unknown[] = [];
  let value: unknown = "old";
  const object = target({
    get: () => value,
    set: (next) => assigned.push((value = next)),
    configurable: true,
  });
  replaceProperties(object, [["it", "new"]])();
  expect(assigned).toEqual(["new", "old"]);
});

describe("if a property fails,", () => {
  const values = ["first", "second", "third"].map((key) => [key, 0] as const);

  test("those replaced before it are restored", () => {
    const object = {
      first: 1,
      get second(): number {
        throw new Error("unreadable");
      },
      set second(_value) {},
      third: 3,
    };
    const before = Object.getOwnPropertyDescriptors(object);
    expect(() => replaceProperties(object, values)).toThrow("unreadable");
    expect(Object.getOwnPropertyDescriptors(object)).toEqual(before);
  });

  test("the others are still restored, and it throws", () => {
    const object = { first: 1, second: 2, third: 3 };
    const restore = replaceProperties(object, values);
    Object.defineProperty(object, "second", { value: 9, configurable: false });
    Object.defineProperty(object, "second", { writable: false });
    expect(restore).toThrow(TypeError);
    expect(object).toEqual({ first: 1, second: 9, third: 3 });
  });
});
