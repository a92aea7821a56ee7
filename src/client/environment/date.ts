const ordinaryHasInstance = Function.prototype[Symbol.hasInstance];

/**
 * Creates a `Date` whose current time is `now()`.
 *
 * It has its own prototype, which inherits from the real one. So
 * `new Date().constructor === Date` holds, and the real prototype, which the
 * handler shares with all code in its realm, doesn't change.
 */
export function createDate(now: () => number): DateConstructor {
  const Real = realDate();

  function Date(...args: unknown[]): string | Date {
    if (new.target === undefined) {
      return new Real(now()).toString();
    }
    const date = Reflect.construct(
      Real,
      args.length === 0 ? [now()] : args,
      new.target,
    ) as Date;
    // Convex's own Date is a plain function that ignores `new.target`.
    const prototype = new.target.prototype as object;
    if (Object.getPrototypeOf(date) !== prototype) {
      Object.setPrototypeOf(date, prototype);
    }
    return date;
  }

  const prototype = Object.create(Real.prototype, {
    constructor: { value: Date, writable: true, configurable: true },
  }) as object;

  const statics = Object.getOwnPropertyDescriptors(Real);
  Object.defineProperties(Date, {
    ...statics,
    prototype: { value: prototype, writable: false },
    now: { ...statics.now, value: () => now() },
    // A bundler may have renamed the real one.
    name: { ...statics.name, value: "Date" },
    // Dates made before the handler ran have the real prototype.
    [Symbol.hasInstance]: {
      value(this: unknown, value: unknown): boolean {
        return this === Date
          ? value instanceof Real
          : ordinaryHasInstance.call(this as () => void, value);
      },
    },
  });
  return Date as unknown as DateConstructor;
}

/**
 * Returns the real Date below any fake one. Fakes that extend it, such as
 * vi.useFakeTimers, give each instance its own `constructor`.
 */
function realDate(): DateConstructor {
  let real = globalThis.Date;
  for (;;) {
    const parent = Object.getPrototypeOf(real) as Partial<DateConstructor>;
    if (parent.prototype === undefined) return real;
    real = parent as DateConstructor;
  }
}
