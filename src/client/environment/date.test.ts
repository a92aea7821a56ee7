import { describe, expect, test, vi } from "vitest";
import { createDate } from "./date.js";

const NOW = 1_234_567_890_123;

describe.each(["real", "fake"])("over a %s Date", (timers) => {
  if (timers === "fake") vi.useFakeTimers({ now: 99 });
  const RealDate = globalThis.Date;
  const HandlerDate = createDate(() => NOW);
  vi.useRealTimers();

  test("the current time is now()", () => {
    expect(HandlerDate.now()).toBe(NOW);
    expect(new HandlerDate().getTime()).toBe(NOW);
    expect(new (class extends HandlerDate {})().getTime()).toBe(NOW);
    expect(HandlerDate()).toBe(new Date(NOW).toString());
    expect((HandlerDate as (value: number) => string)(5)).toBe(HandlerDate());
    expect(+(Reflect.construct(HandlerDate, []) as Date)).toBe(NOW);
  });

  test("every other way to create a date works like the real one", () => {
    expect(new HandlerDate(5).getTime()).toBe(5);
    expect(new HandlerDate("2020-02-03T04:05:06Z").toISOString()).toBe(
      "2020-02-03T04:05:06.000Z",
    );
    expect(new HandlerDate(new Date(8)).getTime()).toBe(8);
    expect(new HandlerDate(2020, 1, 3, 4, 5, 6, 7)).toEqual(
      new HandlerDate(new Date(2020, 1, 3, 4, 5, 6, 7)),
    );
    expect(new HandlerDate(undefined as never).getTime()).toBeNaN();
    expect(new HandlerDate(NaN).getTime()).toBeNaN();
    expect(HandlerDate.parse("1970-01-01T00:00:01Z")).toBe(1000);
    expect(HandlerDate.UTC(1970, 0, 2)).toBe(86_400_000);
  });

  test("its dates are instances of Date inside and outside the handler", () => {
    const date = new HandlerDate();
    expect(date.constructor).toBe(HandlerDate);
    expect(Object.getPrototypeOf(date)).toBe(HandlerDate.prototype);
    expect(Object.getOwnPropertyNames(date)).toEqual([]);
    expect(Object.prototype.toString.call(date)).toBe("[object Date]");
    expect(date instanceof HandlerDate).toBe(true);
    expect(date instanceof RealDate).toBe(true);
    expect(new RealDate(3) instanceof HandlerDate).toBe(true);
    expect(structuredClone(date).getTime()).toBe(NOW);
    for (const other of [{}, null, undefined, 5, [], "2020"] as unknown[]) {
      expect(other instanceof HandlerDate).toBe(false);
    }
  });

  test("it can be subclassed", () => {
    class Moment extends HandlerDate {
      constructor(public label: string) {
        super();
      }
      next() {
        return this.getTime() + 1;
      }
    }
    class Late extends Moment {}
    const late = new Late("x");
    expect(late.next()).toBe(NOW + 1);
    expect(late.label).toBe("x");
    expect(late instanceof Late && late instanceof Moment).toBe(true);
    expect(late instanceof HandlerDate).toBe(true);
    expect(new HandlerDate() instanceof Moment).toBe(false);
    expect(late.constructor).toBe(Late);
    expect(Late.now()).toBe(NOW);
  });

  test("it has the name of Date, even if a bundler renamed the real one", () => {
    const Real = globalThis.Date;
    try {
      globalThis.Date = class Date2 extends Real {} as DateConstructor;
      Object.setPrototypeOf(globalThis.Date, Function.prototype);
      expect(createDate(() => NOW).name).toBe("Date");
    } finally {
      globalThis.Date = Real;
    }
  });

  test("it is inspected like Date", () => {
    expect(HandlerDate.name).toBe("Date");
    expect(HandlerDate.length).toBe(7);
    expect(Object.keys(HandlerDate)).toEqual([]);
    const descriptors = Object.getOwnPropertyDescriptors(HandlerDate);
    expect(descriptors.prototype.writable).toBe(false);
    expect(descriptors.now).toMatchObject({
      writable: true,
      enumerable: false,
      configurable: true,
    });
  });
});

test("the real Date and its prototype don't change", () => {
  const before = Object.getOwnPropertyDescriptors(Date);
  const prototype = Object.getOwnPropertyDescriptors(Date.prototype);
  const HandlerDate = createDate(() => NOW);
  Object.assign(HandlerDate, { now: () => 0 });
  Object.assign(HandlerDate.prototype, { extra: true });
  expect(Object.getOwnPropertyDescriptors(Date)).toEqual(before);
  expect(Object.getOwnPropertyDescriptors(Date.prototype)).toEqual(prototype);
});
