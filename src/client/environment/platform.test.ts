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

/** Runs the body of an async function in a fresh context, and returns its result through JSON. */
async function run(body: string, host?: Partial<PlatformHost>) {
  const context = createPlatformContext(host);
  context.evaluate(bundle);
  const json = await (context.evaluate(
    `(async () => { ${body} })().then((value) => JSON.stringify(value));`,
  ) as Promise<string | undefined>);
  return json === undefined ? undefined : (JSON.parse(json) as unknown);
}

describe("the context", () => {
  // For globals that the platform lacks, see tools/local-backend/backend/platform.test.ts.
  test("has the platform's descriptors and methods", async () => {
    const names = [
      ...["crypto", "Crypto", "SubtleCrypto", "CryptoKey", "Date", "console"],
      ...["process", "Performance", "performance", "Temporal"],
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
      "Temporal writable hidden configurable",
    ]);
    expect(await run("return [process, console].map(Object.keys)")).toEqual([
      ["env"],
      ["debug", "error", "info", "log", "warn", "trace"].concat([
        "time",
        "timeLog",
        "timeEnd",
      ]),
    ]);
  });

  test("has working globals that its host provides", async () => {
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

  test("answers a call once its microtasks have run, one call at a time", async () => {
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
  test("behaves as in every other runtime and restores all globals", async () => {
    expect(await run("return bundle.exercise()")).toEqual(EXERCISE_REPORT);
  });

  test("behaves the same for code that is not strict", async () => {
    // Failed assignments are silent in sloppy mode.
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

  test("performance and Temporal.Now follow its time, though the platform's run", async () => {
    const outside = await run(`
      const first = performance.now();
      return [performance.now() > first, Temporal.Now.instant().epochMilliseconds];
    `);
    expect(outside).toEqual([true, 1_700_000_000_000]);
    const look = `[
      performance.now(), performance.timeOrigin,
      Temporal.Now.instant().epochMilliseconds,
      Temporal.Now.zonedDateTimeISO("Europe/Rome").timeZoneId,
      String(Temporal.Now.plainDateTimeISO()),
      String(Temporal.Now.plainDateISO()), String(Temporal.Now.plainTimeISO()),
      Temporal.Now.timeZoneId(), new Temporal.Instant(3).epochMilliseconds,
    ]`;
    const within = await run(`
      let now = 86_400_000;
      const before = bundle.snapshotGlobals();
      const environment = bundle.createEnvironment({
        now: () => now, isLive: () => false, runId: "run",
      });
      environment.enter();
      const looks = [${look}, ${look}];
      environment.leave();
      now += 1500;
      environment.enter();
      looks.push(${look});
      environment.leave();
      return [looks, bundle.differences(before, bundle.snapshotGlobals())];
    `);
    const at = (ms: number, time: string) => [
      ...[ms, 86_400_000, 86_400_000 + ms, "Europe/Rome"],
      ...[`1970-01-02T${time}`, "1970-01-02", time, "UTC", 3],
    ];
    expect(within).toEqual([
      [at(0, "00:00:00.000"), at(0, "00:00:00.000"), at(1500, "00:00:01.500")],
      [],
    ]);
  });
});

describe("quiesce", () => {
  const enter = `
    const before = bundle.snapshotGlobals();
    const environment = bundle.createEnvironment({
      now: () => 5, isLive: () => false, runId: "run",
    });
    const quiesce = bundle.createQuiesce(
      () => Convex.asyncSyscall("ours", "{}"), environment.hostCalls,
    );
    environment.enter();`;

  /** The body of a test, and the host's calls in order. */
  async function quiesced(
    body: string,
    answer = (_name: string): Promise<string> => Promise.resolve("null"),
  ) {
    const calls: string[] = [];
    const result = await run(enter + body, {
      asyncSyscall(name) {
        calls.push(name);
        return answer(name);
      },
    });
    return { result, calls };
  }

  test("calls the host once, even if the call fails, and waits for every handler", async () => {
    for (const answer of [undefined, () => Promise.reject(new Error("no"))]) {
      const { result, calls } = await quiesced(
        `
        const missed = await bundle.notWaitedFor(quiesce);
        environment.leave();
        return [missed, bundle.differences(before, bundle.snapshotGlobals())];`,
        answer,
      );
      expect(result).toEqual([[], []]);
      expect(calls).toEqual(["ours"]);
    }
  });

  test("waits for any number of consecutive host calls", async () => {
    const { result, calls } = await quiesced(`
      const seen = [];
      void (async () => {
        for (let n = 0; n < 4; n++) {
          await Convex.asyncSyscall("theirs", "{}");
          for (let hops = 0; hops < 20; hops++) await null;
          seen.push(Date.now(), typeof process);
        }
      })();
      await quiesce();
      environment.leave();
      return [seen, typeof process];`);
    const seen = Array<unknown[]>(4).fill([5, "undefined"]).flat();
    expect(result).toEqual([seen, "object"]);
    expect(calls.filter((name) => name === "theirs")).toHaveLength(4);
    expect(calls.at(-1)).toBe("ours");
  });

  test("waits for calls that fail, that overlap or that nothing awaits", async () => {
    const { result } = await quiesced(
      `
      const seen = [];
      const call = () => Convex.asyncSyscall("theirs", "{}");
      const branch = (name) => call().catch(call).catch(() => seen.push(name));
      void branch("a");
      void branch("b");
      await quiesce();
      environment.leave();
      return seen;`,
      (name) =>
        name === "ours"
          ? Promise.resolve("null")
          : Promise.reject(new Error("no")),
    );
    expect(result).toEqual(["a", "b"]);
  });
});
