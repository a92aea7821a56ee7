import { describe, expect, test } from "vitest";
import { replaceProperties } from "./replaceProperties.js";

/** Each kind of property; `read` tells the value apart from any other. */
const kinds: Record<string, () => PropertyDescriptor> = {
  writable: () => data({ writable: true, enumerable: true }),
  "writable, not configurable": () =>
    data({ writable: true, configurable: false }),
  "read-only": () => data({ writable: false }),
  "getter only": () => ({ get: () => "old", configurable: true }),
  "getter only, enumerable": () => ({
    get: () => "old",
    enumerable: true,
    configurable: true,
  }),
  "accessor that keeps the value": () => {
    let value: unknown = "old";
    return {
      get: () => value,
      set: (next) => void (value = next),
      configurable: true,
    };
  },
  "accessor that keeps the value, not configurable": () => {
    let value: unknown = "old";
    return { get: () => value, set: (next) => void (value = next) };
  },
  "accessor that becomes a data property": () => ({
    get: () => "old",
    set(this: object, value) {
      Object.defineProperty(this, "it", { value, writable: true });
    },
    configurable: true,
  }),
  "lazy accessor that becomes a data property when read": () => ({
    get(this: object) {
      Object.defineProperty(this, "it", { value: "old", writable: true });
      return "old";
    },
    set(this: object, value) {
      Object.defineProperty(this, "it", { value, writable: true });
    },
    configurable: true,
  }),
  "accessor whose setter throws": () => ({
    get: () => "old",
    set() {
      throw new TypeError("no");
    },
    configurable: true,
  }),
  "accessor whose setter does nothing": () => ({
    get: () => "old",
    set() {},
    configurable: true,
  }),
};

function data(attributes: PropertyDescriptor): PropertyDescriptor {
  return { value: "old", configurable: true, ...attributes };
}

function target(descriptor: PropertyDescriptor): Record<string, unknown> {
  return Object.defineProperty({}, "it", descriptor);
}

describe.each(Object.entries(kinds))("%s", (_kind, descriptor) => {
  test.each(["new", undefined])("is replaced by %s and restored", (value) => {
    const object = target(descriptor());
    const before = Object.getOwnPropertyDescriptor(object, "it");
    for (let i = 0; i < 3; i++) {
      const restore = replaceProperties(object, [["it", value]]);
      expect(object.it).toBe(value);
      restore();
      expect(Object.getOwnPropertyDescriptor(object, "it")).toEqual(before);
    }
    expect(object.it).toBe("old");
  });

  test("is restored even if it was changed meanwhile", () => {
    const vandals: ((object: Record<string, unknown>) => void)[] = [
      (object) => (object.it = "other"),
      (object) => delete object.it,
      (object) =>
        Object.defineProperty(object, "it", {
          get: () => "other",
          configurable: true,
        }),
      (object) =>
        Object.defineProperty(object, "it", { enumerable: true, value: 1 }),
    ];
    for (const vandal of vandals) {
      const object = target(descriptor());
      const before = Object.getOwnPropertyDescriptor(object, "it");
      const restore = replaceProperties(object, [["it", "new"]]);
      try {
        vandal(object);
      } catch {
        continue; // It can't be done to this kind.
      }
      restore();
      expect(Object.getOwnPropertyDescriptor(object, "it")).toEqual(before);
      expect(object.it).toBe("old");
    }
  });
});

test("a property that can't be changed keeps its value", () => {
  const object = target({ value: "old" });
  const restore = replaceProperties(object, [["it", "new"]]);
  expect(object.it).toBe("old");
  restore();
  const fixed = target({ get: () => "old" });
  replaceProperties(fixed, [["it", "new"]])();
  expect(fixed.it).toBe("old");
});

test("a property that was absent or inherited is removed again", () => {
  const object = Object.create({ inherited: 1 }) as Record<string, unknown>;
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

test("when one can't be replaced, those before it are restored", () => {
  const object = {
    first: 1,
    get second(): number {
      throw new Error("unreadable");
    },
    set second(_value) {},
    third: 3,
  };
  const before = Object.getOwnPropertyDescriptors(object);
  const values = ["first", "second", "third"].map((key) => [key, 0] as const);
  expect(() => replaceProperties(object, values)).toThrow("unreadable");
  expect(Object.getOwnPropertyDescriptors(object)).toEqual(before);
});

test("when one can't be restored, the others are, and it throws", () => {
  const object = { first: 1, second: 2, third: 3 };
  const values = ["first", "second", "third"].map((key) => [key, 0] as const);
  const restore = replaceProperties(object, values);
  Object.defineProperty(object, "second", { value: 9, configurable: false });
  Object.defineProperty(object, "second", { writable: false });
  expect(restore).toThrow(TypeError);
  expect(object).toEqual({ first: 1, second: 9, third: 3 });
});
