// @vitest-environment node
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { EXERCISE_REPORT } from "./testing/exercise.js";
import {
  bundleScript,
  createPlatformContext,
  type PlatformHost,
} from "./testing/platformContext.js";

const bundle = bundleScript(
  fileURLToPath(new URL("./testing/platformEntry.ts", import.meta.url)),
  "bundle",
);

/** Runs the body of an async function in a fresh context; JSON comes out. */
async function run(body: string, host?: Partial<PlatformHost>) {
  const context = createPlatformContext(host);
  context.evaluate(bundle);
  const json = await (context.evaluate(
    `(async () => { ${body} })().then((value) => JSON.stringify(value));`,
  ) as Promise<string | undefined>);
  return json === undefined ? undefined : (JSON.parse(json) as unknown);
}

describe("the context", () => {
  test("has the platform's descriptors", async () => {
    const names = [
      ...["crypto", "Crypto", "SubtleCrypto", "CryptoKey", "Date", "console"],
      ...["process", "Performance", "performance"],
    ];
    const shapes = await run(`
      return ${JSON.stringify(names)}.map((name) => {
        const { get, set, ...data } =
          Object.getOwnPropertyDescriptor(globalThis, name);
        return [
          name,
          get ? "get" : data.writable ? "writable" : "read-only",
          data.enumerable ? "enumerable" : "hidden",
          data.configurable && !set ? "configurable" : "?",
        ].join(" ");
      });
    `);
    expect(shapes).toEqual([
      "crypto get enumerable configurable",
      "Crypto read-only hidden configurable",
      "SubtleCrypto read-only hidden configurable",
      "CryptoKey writable enumerable configurable",
      "Date writable enumerable configurable",
      "console writable hidden configurable",
      "process writable enumerable configurable",
      "Performance read-only hidden configurable",
      "performance writable enumerable configurable",
    ]);
  });

  test("lacks what the platform lacks", async () => {
    const types = await run(`
      return [
        typeof queueMicrotask, typeof Buffer, typeof setImmediate,
        typeof MessageChannel, typeof require, typeof global,
        Object.keys(process).join(), Object.keys(console).join(),
      ];
    `);
    expect(types).toEqual([
      ...Array<string>(6).fill("undefined"),
      "env",
      "debug,error,info,log,warn,trace,time,timeLog,timeEnd",
    ]);
    await expect(run(`return eval("1")`)).rejects.toThrow(/Code generation/);
    await expect(run(`return Function("")`)).rejects.toThrow(/Code generation/);
    const stack = await run(`return new Error("message").stack`);
    expect(stack).toMatch(/^ {4}at .*convex:\/test\.js/);
  });

  test("has working globals, from its host", async () => {
    const fatal: string[] = [];
    const result = await run(
      `setTimeout(() => {}, 1);
      return [
        Date.now(), Date().slice(0, 15), new Date(3).getTime(),
        Math.random() === Math.random(), process.env.KEY,
        process.env.MISSING === undefined, crypto.randomUUID(),
        await fetch("").catch((error) => error.message),
        structuredClone([{ a: new Map([[1, new Date(2)]]) }])[0].a.get(1),
      ];`,
      {
        now: () => Date.UTC(2026, 0, 2),
        env: { KEY: "value" },
        fatal: (message) => fatal.push(message),
      },
    );
    expect(result).toEqual([
      Date.UTC(2026, 0, 2),
      "Fri Jan 02 2026",
      3,
      false,
      "value",
      true,
      expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab]/),
      "Can't use fetch() in queries and mutations",
      "1970-01-01T00:00:00.002Z",
    ]);
    expect(fatal).toEqual(["Can't use setTimeout in queries and mutations"]);
  });

  test("is answered when its microtasks have run, one call at a time", async () => {
    const calls: string[] = [];
    const result = await run(
      `const order = [];
      const call = (name) => Convex.asyncSyscall(name, "{}").then(
        () => order.push(name),
        (error) => order.push(error.message, error.data),
      );
      const calls = [call("a"), call("bad"), call("c")];
      for (let i = 0; i < 1000; i++) await null;
      order.push("drained");
      await Promise.all(calls);
      return order;`,
      {
        async asyncSyscall(name) {
          calls.push(`${name} begins`);
          await new Promise((resolve) => setTimeout(resolve, 2));
          calls.push(`${name} ends`);
          if (name === "bad") {
            throw Object.assign(new Error("no"), { data: { x: 1 } });
          }
          return "null";
        },
      },
    );
    expect(result).toEqual(["drained", "a", "no", { x: 1 }, "c"]);
    expect(calls).toEqual([
      ...["a begins", "a ends"],
      ...["bad begins", "bad ends"],
      ...["c begins", "c ends"],
    ]);
  });
});

describe("the environment", () => {
  test("is what it is everywhere, and leaves nothing", async () => {
    expect(await run("return bundle.exercise()")).toEqual(EXERCISE_REPORT);
  });

  test("the same for code that is not strict", async () => {
    // Assignments that fail are silent there.
    const result = await run(`
      const before = bundle.snapshotGlobals();
      const environment = bundle.createEnvironment({
        now: () => 5, isLive: () => false, runId: "run",
      });
      environment.enter();
      const types = [typeof crypto, typeof Crypto, typeof SubtleCrypto];
      crypto = Crypto = process = Date = 1;
      environment.leave();
      return [types, bundle.differences(before, bundle.snapshotGlobals())];
    `);
    expect(result).toEqual([["undefined", "undefined", "undefined"], []]);
  });

  test("its console prints by what the platform's has", async () => {
    const lines: string[] = [];
    await run(
      `let live = false;
      const environment = bundle.createEnvironment({
        now: () => 5, isLive: () => live, runId: "run",
      });
      environment.enter();
      console.log("replaying");
      console.group("replaying");
      console.count();
      console.time();
      live = true;
      console.count();
      console.timeEnd();
      console.groupEnd();
      console.table([1]);
      console.dir({ a: 1 });
      console.assert(false, "message");
      console.warn("live");
      environment.leave();
      console.info("outside");`,
      { print: (level, line) => lines.push(`${level} ${line}`) },
    );
    expect(lines).toEqual([
      "log '  default: 2'",
      "log '  default: 0ms'",
      "log [ 1 ]",
      "log { a: 1 }",
      "error 'Assertion failed: message'",
      "warn 'live'",
      "info 'outside'",
    ]);
  });
});

describe("quiesce", () => {
  const quiesce = `bundle.createQuiesce(() => Convex.asyncSyscall("any", "{}"))`;

  test("asks the host, once, and waits for every handler", async () => {
    const calls: string[] = [];
    const missed = await run(`return bundle.notWaitedFor(${quiesce})`, {
      async asyncSyscall(name) {
        calls.push(name);
        return "null";
      },
    });
    expect(missed).toEqual([]);
    expect(calls).toEqual(["any"]);
  });

  test("a call that fails has drained them all the same", async () => {
    const missed = await run(`return bundle.notWaitedFor(${quiesce})`, {
      async asyncSyscall() {
        throw new Error("refused");
      },
    });
    expect(missed).toEqual([]);
  });

  test("while the environment is entered", async () => {
    const missed = await run(
      `const environment = bundle.createEnvironment({
        now: () => 5, isLive: () => false, runId: "run",
      });
      environment.enter();
      const missed = await bundle.notWaitedFor(${quiesce});
      environment.leave();
      return missed;`,
      { asyncSyscall: async () => "null" },
    );
    expect(missed).toEqual([]);
  });
});
