type Method = (...args: unknown[]) => void;
type ConsoleLike = Partial<Record<PropertyKey, unknown>>;

/** The part of an `EnvironmentSource` that the console uses. */
interface ConsoleSource {
  now(): number;
  isLive(): boolean;
}

export interface HandlerConsole {
  /** The console that the handler sees. */
  readonly console: object;
  /** The console that prints. Its methods are looked up at each call. */
  printTo(real: object | undefined): void;
}

/**
 * Creates a console that prints only while the run is live.
 *
 * Counters, timers and groups belong to one execution of the handler. They
 * advance silently during replay, so the live part prints the same as one
 * uninterrupted execution. Those of the real console would be shared with every
 * other execution, and Convex's console has none.
 */
export function createConsole(source: ConsoleSource): HandlerConsole {
  let real: ConsoleLike = {};
  let indentation = "";
  const counts = new Map<string, number>();
  const timers = new Map<string, number>();

  function call(name: PropertyKey, args: unknown[], otherwise?: Method): void {
    if (!source.isLive()) return;
    const method = real[name];
    if (typeof method === "function") {
      Reflect.apply(method, real, args);
    } else {
      otherwise?.(...args);
    }
  }

  function print(level: string, ...args: unknown[]): void {
    const lines = indent(indentation, args);
    call(level, lines, () => call("log", lines));
  }

  function report(label: string, data: unknown[]): boolean {
    const start = timers.get(label);
    if (start === undefined) {
      print("warn", `Timer '${label}' does not exist`);
      return false;
    }
    print("log", `${label}: ${source.now() - start}ms`, ...data);
    return true;
  }

  const group: Method = (...label) => {
    if (label.length > 0) print("log", ...label);
    indentation += "  ";
  };

  const methods: ConsoleLike & Record<string, Method> = {
    count(label = "default") {
      const key = String(label);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      print("log", `${key}: ${count}`);
    },
    countReset(label = "default") {
      const key = String(label);
      if (!counts.delete(key)) {
        print("warn", `Count for '${key}' does not exist`);
      }
    },

    time(label = "default") {
      const key = String(label);
      if (timers.has(key)) {
        print("warn", `Timer '${key}' already exists`);
      } else {
        timers.set(key, source.now());
      }
    },
    timeLog(label = "default", ...data) {
      report(String(label), data);
    },
    timeEnd(label = "default") {
      const key = String(label);
      if (report(key, [])) timers.delete(key);
    },

    group,
    groupCollapsed: group,
    groupEnd() {
      indentation = indentation.slice(2);
    },

    assert(condition, ...args) {
      if (condition) return;
      call("assert", [false, ...args], () =>
        print("error", ...assertionMessage(args)),
      );
    },
  };
  for (const level of PRINTING)
    methods[level] = (...args) => print(level, ...args);
  for (const name of ["dir", "table"])
    methods[name] = (...args) => call(name, args, () => print("log", args[0]));
  for (const name of ["clear", "profile", "profileEnd", "timeStamp"])
    methods[name] = (...args) => call(name, args);
  Object.defineProperties(methods, {
    Console: { value: refuseConsole, writable: true, configurable: true },
    [Symbol.toStringTag]: { value: "console", configurable: true },
  });

  return {
    console: methods,
    printTo(target) {
      if (target === undefined || target === real) return;
      real = target;
      for (const name of Object.getOwnPropertyNames(target)) {
        if (typeof real[name] === "function" && !(name in methods)) {
          methods[name] = (...args) => call(name, args);
        }
      }
    },
  };
}

const PRINTING = ["debug", "error", "info", "log", "warn", "trace", "dirxml"];

function indent(indentation: string, args: unknown[]): unknown[] {
  if (indentation === "") return args;
  const [first, ...rest] = args;
  return typeof first === "string"
    ? [indentation + first.replaceAll("\n", `\n${indentation}`), ...rest]
    : // The console adds a space after the indentation.
      [indentation.slice(1), ...args];
}

function assertionMessage(args: unknown[]): unknown[] {
  const [first, ...rest] = args;
  return typeof first === "string"
    ? [`Assertion failed: ${first}`, ...rest]
    : ["Assertion failed", ...args];
}

function refuseConsole(): never {
  throw new Error(
    "console.Console can't be used inside a workflow handler: a console of " +
      "one's own would print again each time the handler is replayed. " +
      "Use the methods of the global console.",
  );
}
