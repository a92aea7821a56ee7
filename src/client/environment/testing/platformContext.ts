import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import type { RawHost } from "./platformGlobals.js";

/** The host of a Convex function's context. Every member has a default. */
export interface PlatformHost {
  /** Default: a constant, as within one transaction. */
  now(): number;
  /** Default: a constant sequence. */
  random(): number;
  env: Record<string, string>;
  /** One call of a console method, formatted. */
  print(level: string, line: string): void;
  /** The function did something that ends it. The platform lets no handler catch this. */
  fatal(message: string): void;
  syscall(name: string, args: string): string;
  /**
   * Called for one syscall at a time, in order. If a ConvexError is thrown, the function receives its `data`.
   */
  asyncSyscall(name: string, args: string): Promise<string>;
}

export interface PlatformContext {
  /** Evaluates a script; its value belongs to the context's realm. */
  evaluate(code: string, filename?: string): unknown;
  context: vm.Context;
}

// Tests may replace the timers with fake ones.
const { setImmediate } = globalThis;

let setup: vm.Script | undefined;

/**
 * Creates a V8 context whose globals have the same property descriptors as in a
 * Convex function. It has no Node globals, and can't evaluate strings.
 *
 * The host handles and answers a call only when the context has no microtask
 * left.
 */
export function createPlatformContext(
  host: Partial<PlatformHost> = {},
): PlatformContext {
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: false },
  });
  setup ??= new vm.Script(setupCode(), { filename: "convex:/setup.js" });
  const install = setup.runInContext(context) as (host: RawHost) => void;
  install(rawHost(host));
  return {
    context,
    evaluate: (code, filename = "convex:/test.js") =>
      new vm.Script(code, { filename }).runInContext(context) as unknown,
  };
}

/** Bundles a module and what it imports to a script that defines `name`. */
export function bundleScript(entryPoint: string, name: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: "iife",
    globalName: name,
    platform: "neutral",
    target: "es2022",
  });
  return outputFiles[0]!.text;
}

function setupCode(): string {
  const path = fileURLToPath(new URL("./platformGlobals.ts", import.meta.url));
  const code = bundleScript(path, "setup");
  return `(function () { ${code}; return setup.installPlatformGlobals; })()`;
}

function rawHost(host: Partial<PlatformHost>): RawHost {
  let randoms = 0;
  let pending: Promise<unknown> = Promise.resolve();
  return {
    now: host.now ?? (() => 1_700_000_000_000),
    random: host.random ?? (() => (randoms = (randoms + 0.1234567) % 1)),
    env: (name) => host.env?.[name],
    print: (level, line) => host.print?.(level, line),
    fatal: (message) => host.fatal?.(message),
    syscall: host.syscall ?? unexpected,
    asyncSyscall(name, args, reply) {
      pending = pending.then(async () => {
        await drained();
        try {
          const result = await (host.asyncSyscall ?? unexpected)(name, args);
          await drained();
          reply(undefined, result);
        } catch (error) {
          await drained();
          const { message, data } = error as Error & { data?: unknown };
          reply(message, "", data === undefined ? data : JSON.stringify(data));
        }
      });
    },
  };
}

function unexpected(name: string): never {
  throw new Error(`Unexpected syscall ${name}`);
}

/** Waits one macrotask, because contexts share Node's microtask queue. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
