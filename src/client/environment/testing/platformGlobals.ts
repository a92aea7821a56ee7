import { actionGlobals, type ActionHost } from "./platformActions.js";
import {
  asyncContextGlobals,
  type AsyncContext,
} from "./platformAsyncContext.js";
import { eventGlobals } from "./platformEvents.js";
import { inspect } from "./platformInspect.js";
import { bytesOf, webGlobals, type WebHost } from "./platformWeb.js";

/**
 * Runs inside a bare V8 context as its first script, and installs the globals
 * of a Convex function with the platform's property descriptors. Globals that
 * a workflow can't reach are mostly stubs. Only primitives cross to or from
 * the host, so no object from another realm gets in.
 */
export interface RawHost {
  now(): number;
  random(): number;
  env(name: string): string | undefined;
  print(level: string, line: string): void;
  fatal(message: string): void;
  syscall(name: string, args: string): string;
  asyncSyscall(
    name: string,
    args: string,
    reply: (error: string | undefined, result: string, data?: string) => void,
  ): void;
  /**
   * Maps a frame to its position in the source, or returns undefined to omit it.
   * By default, frames keep their position.
   */
  position?(file: string, line: number, column: number): string | undefined;
  /** Milliseconds since the function began, for `performance.now()`. By default, each call returns more. */
  elapsed?: () => number;
  /** Without it, the globals that need it throw. */
  web?: WebHost;
  /** Only actions have it. Without it, timers end the function and `fetch` rejects. */
  action?: ActionHost;
  asyncContext?: () => AsyncContext;
}

export function installPlatformGlobals(host: RawHost): void {
  const globals = globalThis as unknown as Record<string, unknown>;

  for (const name of ["SharedArrayBuffer", "Atomics", "WebAssembly"]) {
    delete globals[name];
  }
  // Node 20 and 22 define these in the main context only.
  for (const name of ["dispose", "asyncDispose"])
    if (!(name in Symbol))
      Object.defineProperty(Symbol, name, { value: Symbol(`Symbol.${name}`) });
  Error.prepareStackTrace = (_error, frames) =>
    // Unlike Node, the platform doesn't put the error's message on the first line.
    frames.flatMap(formatFrame).join("\n");

  function formatFrame(frame: NodeJS.CallSite): string[] {
    const file = frame.getFileName() ?? "";
    const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
    const position = host.position
      ? host.position(file, line ?? 1, column ?? 1)
      : `${file}:${line}:${column}`;
    if (position === undefined) return [];
    const name = frame.getFunctionName() ?? "<anonymous>";
    return [`    at ${frame.isAsync() ? "async " : ""}${name} (${position})`];
  }

  globals.self = globalThis;
  globals.Convex = {
    syscall(name: string, args: string) {
      try {
        return host.syscall(name, args);
      } catch (error) {
        // The original error belongs to the host's realm and must not get in.
        // eslint-disable-next-line preserve-caught-error
        throw new Error((error as Error).message);
      }
    },
    asyncSyscall: (name: string, args: string) =>
      new Promise((resolve, reject) => {
        host.asyncSyscall(name, args, (message, result, data) => {
          if (message === undefined) {
            resolve(result);
          } else {
            const error = new Error(message);
            reject(
              data === undefined
                ? error
                : Object.assign(error, { data: JSON.parse(data) as unknown }),
            );
          }
        });
      }),
  };
  installDate();
  installRandom();
  installConsole();
  installUnsupported();
  if (host.web) Object.assign(globals, webGlobals(host.web));
  if (host.action) Object.assign(globals, actionGlobals(host.action, coding()));
  if (host.asyncContext) {
    const { AsyncLocalStorage } = asyncContextGlobals(host.asyncContext);
    hide("AsyncLocalStorage", AsyncLocalStorage, true);
  }
  globals.process = {
    env: new Proxy(
      {},
      {
        get: (_target, name) =>
          typeof name === "string" ? host.env(name) : undefined,
      },
    ),
  };
  globals.structuredClone = clone;

  function hide(name: string, value: unknown, writable: boolean): void {
    Object.defineProperty(globals, name, {
      value,
      writable,
      enumerable: false,
      configurable: true,
    });
  }

  /** For the bodies of requests and responses. */
  function coding() {
    const { web } = host;
    return {
      encode: (text: string) => new Uint8Array(web?.encodeText(text) ?? []),
      decode: (bytes: Uint8Array) =>
        web?.decodeText(bytes, "utf-8", false) ?? "",
    };
  }

  function installDate(): void {
    const Native = globalThis.Date;
    delete globals.Date;
    // The platform's Date is a plain function. It ignores new.target, and its
    // properties are enumerable.
    function Date(this: unknown, ...args: number[]): unknown {
      if (!(this instanceof Date)) return new Native(host.now()).toString();
      return args.length === 0
        ? new Native(host.now())
        : new Native(...(args as [number]));
    }
    Date.now = () => host.now();
    Date.parse = (text: string) => Native.parse(text);

    Date.UTC = Native.UTC;
    Date.prototype = Native.prototype as unknown;
    Native.prototype.constructor = Date;
    globals.Date = Date;
  }

  function installRandom(): void {
    Reflect.deleteProperty(Math, "random");
    Math.random = () => host.random();
    const byte = () => Math.floor(host.random() * 256);

    class SubtleCrypto {
      constructor() {
        host.fatal("Illegal constructor: SubtleCrypto");
      }
      async digest(
        algorithm: string | { name: string },
        data: ArrayBuffer | ArrayBufferView,
      ) {
        if (!host.web) throw new Error("digest has no implementation here");
        const name = typeof algorithm === "string" ? algorithm : algorithm.name;
        return new Uint8Array(host.web.digest(name, bytesOf(data))).buffer;
      }
    }
    const subtle = Object.create(SubtleCrypto.prototype) as object;
    class Crypto {
      constructor() {
        host.fatal("Illegal constructor: Crypto");
      }
      get subtle() {
        return subtle;
      }
      getRandomValues(array: Uint8Array) {
        return (array.set(Array.from(array, byte)), array);
      }
      randomUUID() {
        const hex = Array.from({ length: 16 }, (_, i) => {
          const value = byte();
          const marked =
            i === 6 ? (value & 15) | 64 : i === 8 ? (value & 63) | 128 : value;
          return marked.toString(16).padStart(2, "0");
        }).join("");
        return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
      }
    }
    const crypto = Object.create(Crypto.prototype) as object;
    hide("Crypto", Crypto, false);
    hide("SubtleCrypto", SubtleCrypto, false);
    globals.CryptoKey = class CryptoKey {};
    Object.defineProperty(globals, "crypto", {
      get: () => crypto,
      enumerable: true,
      configurable: true,
    });
    hide("Performance", class Performance {}, false);
    const timeOrigin = host.now();
    let looks = 0;
    // Advances even though the transaction's clock stands still.
    const now = () => host.elapsed?.() ?? 0.1 * ++looks;
    globals.performance = { now, timeOrigin };
    hide(
      "Temporal",
      createTemporal(() => host.now()),
      true,
    );
  }

  function installConsole(): void {
    delete globals.console;
    const methods: Record<string, (...args: unknown[]) => void> = {};
    for (const name of ["debug", "error", "info", "log", "warn", "trace"]) {
      methods[name] = (...args) =>
        host.print(name, args.map(inspect).join(" "));
    }
    for (const name of ["time", "timeLog", "timeEnd"]) {
      methods[name] = () => {};
    }
    hide("console", methods, true);
  }

  function installUnsupported(): void {
    for (const name of ["setTimeout", "setInterval"]) {
      globals[name] = () => {
        host.fatal(`Can't use ${name} in queries and mutations`);
        return 1;
      };
    }
    for (const name of ["clearTimeout", "clearInterval"]) {
      globals[name] = () => {};
    }
    globals.fetch = () =>
      Promise.reject(new Error("Can't use fetch() in queries and mutations"));
    for (const name of [
      ...["URL", "URLSearchParams", "Headers", "Request", "Response", "Blob"],
      ...["File", "FormData", "TextEncoder", "TextDecoder"],
    ]) {
      globals[name] = class {
        constructor() {
          throw new Error(`${name} has no implementation in this context`);
        }
      };
    }
    Object.assign(globals, eventGlobals());
    for (const name of ["AsyncLocalStorage", "AsyncResource"]) {
      hide(name, class {}, true);
    }
  }

  function clone(value: unknown): unknown {
    if (typeof value === "function" || typeof value === "symbol") {
      throw new Error("could not be cloned");
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(clone);
    if (value instanceof globalThis.Date) return new globalThis.Date(+value);
    if (value instanceof ArrayBuffer) return value.slice(0);
    if (value instanceof Set) return new Set([...value].map(clone));
    const entries = value instanceof Map ? [...value] : Object.entries(value);
    const copies = entries.map(
      ([key, item]) => [clone(key), clone(item)] as [string, unknown],
    );
    return value instanceof Map ? new Map(copies) : Object.fromEntries(copies);
  }
}

/** The clock functions of `Temporal`, which V8 has since 14.4. Times are UTC. */
function createTemporal(now: () => number) {
  class Plain {
    constructor(private readonly text: string) {}
    toString() {
      return this.text;
    }
  }
  class ZonedDateTime {
    constructor(
      readonly epochMilliseconds: number,
      readonly timeZoneId: string,
    ) {}
    private part(from: number, to: number) {
      const text = new Date(this.epochMilliseconds).toISOString();
      return new Plain(text.slice(from, to));
    }
    toPlainDateTime() {
      return this.part(0, 23);
    }
    toPlainDate() {
      return this.part(0, 10);
    }
    toPlainTime() {
      return this.part(11, 23);
    }
  }
  class Instant {
    constructor(readonly epochMilliseconds: number) {}
    static fromEpochMilliseconds(ms: number) {
      return new Instant(ms);
    }
    toZonedDateTimeISO(timeZone: string) {
      return new ZonedDateTime(this.epochMilliseconds, timeZone);
    }
  }
  const timeZoneId = () => "UTC";
  const instant = () => new Instant(now());
  const zonedDateTimeISO = (timeZone = timeZoneId()) =>
    instant().toZonedDateTimeISO(timeZone);
  return {
    Instant,
    ZonedDateTime,
    Now: {
      timeZoneId,
      instant,
      zonedDateTimeISO,
      plainDateTimeISO: () => zonedDateTimeISO().toPlainDateTime(),
      plainDateISO: () => zonedDateTimeISO().toPlainDate(),
      plainTimeISO: () => zonedDateTimeISO().toPlainTime(),
    },
  };
}
