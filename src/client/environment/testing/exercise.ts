import {
  createEnvironment,
  explainMissingGlobal,
  type Environment,
} from "../environment.js";
import { differences, snapshotGlobals } from "./globalsSnapshot.js";

/**
 * Enters, uses and leaves an environment with nothing but the language. The
 * report is plain data, and is the same in every runtime.
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
  const next = { random: Math.random(), again: enterAfterChanges(environment) };
  vandalize();
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
    date: "1970-01-02T00:00:00.000Z",
    text: true,
    constructor: true,
    instances: [true, true, true, false],
    random: [0.12918962351977825, 0.42545896815136075],
    math: [3, "[object Math]"],
    types: ["undefined", "undefined", "undefined", "undefined", "undefined"],
    explanations: [true, true, true],
    promises: [true, true],
  },
  between: [],
  next: { random: 0.2673963005654514, again: Array(6).fill(true) },
  everySet: [1, 2],
  after: [],
};

function useEverything(OutsideDate: DateConstructor, earlier: Date) {
  class Later<T> extends Promise<T> {}
  const values: unknown[] = [1, 2];
  console.log("not seen while replaying");
  return {
    now: Date.now(),
    date: new Date().toISOString(),
    text: Date() === new Date().toString(),
    constructor: new Date().constructor === Date,
    instances: [
      new Date() instanceof Date,
      new Date() instanceof OutsideDate,
      earlier instanceof Date,
      ({} as unknown) instanceof Date,
    ],
    random: [Math.random(), Math.random()],
    math: [Math.max(1, 3), Object.prototype.toString.call(Math)],
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

/** Entering again undoes everything that a handler assigned and nothing else, even without a `leave()` between. */
function enterAfterChanges(environment: Environment): boolean[] {
  const look = () => [
    ...[Date, Math, console, globalThis.process, globalThis.crypto],
    ...[Reflect.get(Promise, "all"), "crypto" in globalThis],
  ];
  const before = look();
  const changes = [
    () => {},
    () => Object.assign(globalThis, { Date: 1 }),
    () => Object.assign(globalThis, { Math: {}, process: 2 }),
    () => Reflect.set(Promise, "all", 1),
    () => Reflect.deleteProperty(globalThis, "crypto"),
    vandalize,
  ];
  return changes.map((change) => {
    change();
    environment.enter();
    return look().every((value, at) => Object.is(value, before[at]));
  });
}

/** Changes globals in every way that a handler could. `leave()` undoes all of it. */
function vandalize() {
  const globals = globalThis as Record<string, unknown>;
  const mine = { mine: true };
  globals.Math = mine;
  globals.crypto = mine;
  globals.Crypto = mine;
  globals.process = mine;
  Object.defineProperty(globals, "Date", { value: mine, configurable: true });
  delete globals.console;
  Promise.all = mine as never;
  Reflect.deleteProperty(Promise, "race");
}
