import { afterEach, describe, expect, test, vi } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import {
  drain,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { listenToConsole } from "../../testing/managing.js";
import { completed, failed } from "../../testing/statuses.js";
import { createRandom } from "./random.js";
import { differences, snapshotGlobals } from "./testing/globalsSnapshot.js";
import type { WorkflowCtx } from "../index.js";
import { HOUR } from "../../testing/units.js";

// The effect of patched globals on runs. The patches themselves have tests in this folder.

useBackend();
listenToConsole();
afterEach(() => {
  vi.restoreAllMocks();
});

const echo = (step: WorkflowCtx, value: unknown) =>
  step.runMutation(steps.echo, { value });

const ABSENT = ["process", "crypto", "Crypto", "CryptoKey", "SubtleCrypto"];
const global = (name: string) => typeof Reflect.get(globalThis, name);

test("a handler sees the same times, random numbers and missing globals on every replay", async () => {
  const executions: { time: number; random: number; absent: string[] }[][] = [];
  const { status, workflowId } = await runHandler(
    newBackend(),
    async (step) => {
      const looks: (typeof executions)[number] = [];
      executions.push(looks);
      const look = () => {
        const random = Math.random();
        looks.push({ time: Date.now(), random, absent: ABSENT.map(global) });
        return { at: new Date().toISOString(), random };
      };
      look();
      for (let hop = 0; hop < 1000; hop++) await Promise.resolve();
      await echo(step, look());
      await step.sleep(HOUR);
      await echo(step, look());
      await step.sleep(HOUR);
      look();
      return [global("fetch"), global("setTimeout"), global("setInterval")];
    },
  );
  expect(status).toEqual(completed(Array(3).fill("function")));
  expect(executions.length).toBeGreaterThan(2);
  const last = executions.at(-1)!;
  for (const looks of executions)
    expect(looks.slice(0, -1)).toEqual(last.slice(0, looks.length - 1));

  const random = createRandom(workflowId);
  for (const look of last) {
    expect(look.random).toBe(random());
    expect(look.absent).toEqual(ABSENT.map(() => "undefined"));
  }
  // The time is the one at which the following step was first started.
  const [first, beforeEcho, afterSleep, end] = last.map(({ time }) => time);
  expect([first, beforeEcho]).toEqual([1_700_000_000_000, 1_700_000_000_000]);
  for (const [from, to] of [
    [beforeEcho!, afterSleep!],
    [afterSleep!, end!],
  ] as const) {
    expect(to - from).toBeGreaterThanOrEqual(HOUR);
    expect(to - from).toBeLessThan(HOUR + 5000);
  }
});

describe("a handler's console", () => {
  async function printedBy(handler: Handler) {
    const spy = vi.spyOn(console, "log").mockImplementation(() => undefined);
    await runHandler(newBackend(), handler);
    return spy.mock.calls.map((args) => args.join(" "));
  }

  test("prints each line once, when it is live", async () => {
    const lines = await printedBy(async (step) => {
      console.log("begin");
      await echo(step, 1);
      console.log("after a mutation");
      await step.runMutation(steps.echo, { value: 2 }, { inline: true });
      console.log("after an inline one");
      await Promise.all([
        step.sleep(1).then(() => console.log("a branch")),
        echo(step, 3).then(() => console.log("another")),
      ]);
      console.log("end");
    });
    const begin = ["begin", "after a mutation", "after an inline one"];
    expect(lines.slice(0, 3)).toEqual(begin);
    expect(lines.slice(3, 5).sort()).toEqual(["a branch", "another"]);
    expect(lines.slice(5)).toEqual(["end"]);
  });

  test("prints each line once when a turn yields", async () => {
    const lines = await printedBy(async (step) => {
      console.log("begin");
      for (let n = 0; n < 600; n++) {
        await step.runMutation(steps.echo, { value: n }, { inline: true });
        if (n % 100 === 0) console.log(n);
      }
      console.log("end");
    });
    const hundreds = [0, 100, 200, 300, 400, 500];
    expect(lines).toEqual(["begin", ...hundreds.map(String), "end"]);
  });

  test("keeps the meaning of counts, timers and groups across turns", async () => {
    const lines = await printedBy(async (step) => {
      console.count("steps");
      console.time("all");
      console.group("part");
      await step.sleep(HOUR);
      console.count("steps");
      console.log("inside");
      await step.sleep(1);
      console.groupEnd();
      console.timeEnd("all");
    });
    const time = lines.pop()!;
    expect(lines).toEqual(["steps: 1", "part", "  steps: 2", "  inside"]);
    const ms = Number(/^all: (\d+)ms/.exec(time)?.[1]);
    expect(ms).toBeGreaterThanOrEqual(HOUR);
    expect(ms).toBeLessThan(HOUR + 10_000);
  });
});

describe("a global that a handler can't use", () => {
  const inAStep = (name: string) =>
    new RegExp(
      `\`${name}\` is not available inside a workflow handler.*in a step`,
      "is",
    );
  test.each<[string, () => unknown, RegExp]>([
    ["process", () => process.env["HOME"], inAStep("process")],
    ["crypto", () => crypto.randomUUID(), inAStep("crypto")],
    ["Crypto", () => new (Crypto as any)(), inAStep("Crypto")],
    [
      "console.Console",
      () => new (console as any).Console(),
      /console\.Console.*replayed/s,
    ],
  ])("fails the run with an error that says so: %s", async (_, use, error) => {
    const atOnce = await runHandler(newBackend(), async () => use());
    const later = await runHandler(newBackend(), async (step) => {
      await step.sleep(1);
      return use();
    });
    for (const { status } of [atOnce, later])
      expect(status).toEqual(failed(expect.stringMatching(error)));
  });

  test("works in a step, whose own errors about it are unchanged", async () => {
    const message =
      "Cannot read properties of undefined (reading 'randomUUID')";
    script("action", "uuid", () => typeof crypto.randomUUID());
    script("action", "dies", () => {
      throw new TypeError(message);
    });
    const { status } = await runHandler(newBackend(), async (step) => [
      await step.runAction(steps.action, { name: "uuid" }),
      await step
        .runAction(steps.action, { name: "dies" })
        .catch((error: Error) => error.message),
    ]);
    expect(status).toEqual(completed(["string", message]));
  });
});

describe("the globals are restored", () => {
  const look = () => ({
    crypto: typeof crypto,
    replaced: Math.random === patched,
    console: Object.prototype.toString.call(console),
  });
  let patched: unknown;

  test("while an inline step's function runs in the middle of a turn", async () => {
    const { crypto, console } = look();
    const seen: ReturnType<typeof look>[] = [];
    for (const kind of ["query", "mutation"] as const)
      script(kind, "look", () => void seen.push(look()));
    const args = { name: "look" };
    const { status } = await runHandler(newBackend(), async (step) => {
      patched = Math.random;
      const inside = look();
      for (let n = 0; n < 2; n++) {
        await step.runMutation(steps.mutation, args, { inline: true });
        await step.runQuery(steps.query, args, { inline: true });
      }
      return [inside.crypto, Math.random === patched];
    });
    expect(status).toEqual(completed(["undefined", true]));
    expect(seen).toEqual(Array(4).fill({ crypto, replaced: false, console }));
  });

  const fail = () => {
    throw new Error("no");
  };
  test.each<[string, Handler]>([
    ["waits", (step) => step.sleep(1)],
    ["returns", async () => "done"],
    ["throws", async () => fail()],
    ["throws as it is called", fail],
    ["never goes on", () => new Promise(() => undefined)],
    [
      "assigns to globals",
      async (step) => {
        (globalThis as any).Date = 1;
        (globalThis as any).console = 2;
        Math.random = () => 3;
        await step.sleep(1);
      },
    ],
  ])("after a turn whose handler %s", async (_how, handler) => {
    const t = newBackend();
    await t.mutation(async () => null); // convex-test sets up its own.
    const before = snapshotGlobals();
    const id = await startHandler(t, handler);
    expect(differences(before, snapshotGlobals())).toEqual([]);
    await drain();
    expect(differences(before, snapshotGlobals())).toEqual([]);
    expect((await statusOf(t, id)).type).not.toBe("inProgress");
  });
});
