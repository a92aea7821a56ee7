import { createEnvironment, explainMissingGlobal } from "../environment.js";
import { differences, snapshotGlobals } from "./globalsSnapshot.js";

/**
 * Goes through an environment's whole life with nothing but the language, and
 * reports in plain data: the same wherever it runs.
 */
export function exercise() {
  const before = snapshotGlobals();
  const everySet: unknown[] = [];
  const environment = createEnvironment({
    now: () => 86_400_000,
    isLive: () => false,
    runId: "j57a1b2c3d",
    combinators: {
      all(values) {
        everySet.push(...values);
        return Promise.resolve("replaced");
      },
    },
  });
  const Outside = { Date, promiseAll: Promise.all.bind(Promise) };
  const earlier = new Date(5);

  environment.enter();
  const first = useEverything(Outside.Date, earlier);
  environment.leave();
  const between = differences(before, snapshotGlobals());

  environment.enter();
  const next = { random: Math.random(), kept: vandalize() };
  environment.leave();
  environment.leave();

  return {
    first,
    between,
    next,
    everySet,
    after: differences(before, snapshotGlobals()),
  };
}

export const EXERCISE_REPORT: ReturnType<typeof exercise> = {
  first: {
    now: 86_400_000,
    noArguments: "1970-01-02T00:00:00.000Z",
    calledIsString: true,
    oneArgument: 7,
    parts: 0,
    parse: 0,
    constructor: true,
    prototype: true,
    instances: [true, true, true, false],
    subclass: [true, true, 86_400_000, 3, true, false],
    random: [0.12918962351977825, 0.42545896815136075],
    math: [3, "[object Math]", 0],
    types: ["undefined", "undefined", "undefined", "undefined", "undefined"],
    explanations: [true, true, true],
    promises: [true, true],
  },
  between: [],
  next: { random: 0.2673963005654514, kept: [true, true] },
  everySet: [1, 2],
  after: [],
};

function useEverything(OutsideDate: DateConstructor, earlier: Date) {
  class Moment extends Date {}
  class Later<T> extends Promise<T> {}
  const moment = new Moment();
  const values: unknown[] = [1, 2];
  console.log("not seen while replaying");
  return {
    now: Date.now(),
    noArguments: new Date().toISOString(),
    calledIsString: Date() === new Date().toString(),
    oneArgument: new Date(7).getTime(),
    parts: new Date(Date.UTC(1970, 0, 1)).getTime(),
    parse: Date.parse("1970-01-01T00:00:00.000Z"),
    constructor: new Date().constructor === Date,
    prototype: Object.getPrototypeOf(new Date()) === Date.prototype,
    instances: [
      new Date() instanceof Date,
      new Date() instanceof OutsideDate,
      earlier instanceof Date,
      ({} as unknown) instanceof Date,
    ],
    subclass: [
      moment instanceof Moment,
      moment instanceof Date,
      moment.getTime(),
      new Moment(3).getTime(),
      moment.constructor === Moment,
      new Date() instanceof Moment,
    ],
    random: [Math.random(), Math.random()],
    math: [
      Math.max(1, 3),
      Object.prototype.toString.call(Math),
      Object.keys(Math).filter((key) => key !== "random").length,
    ],
    types: [
      typeof process,
      typeof crypto,
      typeof Crypto,
      typeof CryptoKey,
      typeof SubtleCrypto,
    ],
    explanations: [
      () => process.env.SECRET,
      () => crypto.randomUUID(),
      () => new Crypto(),
    ].map((use) => {
      try {
        use();
      } catch (error) {
        return explainMissingGlobal(error) !== undefined;
      }
      return false;
    }),
    promises: [
      Promise.all(values) instanceof Promise,
      Later.all([]) instanceof Later,
    ],
  };
}

/** What a handler may do to its globals, all of which `leave()` undoes. */
function vandalize(): boolean[] {
  const globals = globalThis as Record<string, unknown>;
  const mine = { mine: true };
  globals.Math = mine;
  globals.crypto = mine;
  globals.Crypto = mine;
  globals.process = mine;
  Object.defineProperty(globals, "Date", { value: mine, configurable: true });
  delete globals.console;
  Promise.all = mine as never;
  const kept = [globals.Date === mine, globals.crypto === mine];
  Reflect.deleteProperty(Promise, "race");
  return kept;
}
