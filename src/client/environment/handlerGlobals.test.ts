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
import { differences, snapshotGlobals } from "./testing/globalsSnapshot.js";
import type { WorkflowCtx } from "../index.js";

// What is patched, and how, is tested beside src/client/environment. This is what a run makes of it.

useBackend();
listenToConsole();
afterEach(() => {
  vi.restoreAllMocks();
});

const HOUR = 3_600_000;
const echo = (step: WorkflowCtx, value: unknown) =>
  step.runMutation(steps.echo, { value });

/** What each execution of the handler saw: a longer one sees what the shorter ones did, and more. */
async function seenByEach(
  body: (step: WorkflowCtx, see: (value: unknown) => void) => Promise<unknown>,
) {
  const executions: unknown[][] = [];
  const { status, workflowId } = await runHandler(
    newBackend(),
    async (step) => {
      const seen: unknown[] = [];
      executions.push(seen);
      return await body(step, (value) => seen.push(value));
    },
  );
  expect(status).toMatchObject({ type: "completed" });
  expect(executions.length).toBeGreaterThan(2);
  return { executions, last: executions.at(-1)!, workflowId };
}

describe("Date", () => {
  test("is the time at which the following step was first started, on every replay", async () => {
    const { executions, last } = await seenByEach(async (step, see) => {
      see(Date.now());
      await step.sleep(HOUR);
      see(new Date().getTime());
      await echo(step, 1);
      see(Date.parse(Date()));
      await step.sleep(HOUR);
      see(Date.now());
    });
    const [start, second, third, end] = last as number[];
    expect(start).toBe(1_700_000_000_000);
    expect(second! - start!).toBeGreaterThanOrEqual(HOUR);
    expect(second! - start!).toBeLessThan(HOUR + 5000);
    // Of a text, to the second.
    expect(third! - second!).toBeGreaterThan(-1000);
    expect(end! - third!).toBeGreaterThanOrEqual(HOUR);
    for (const seen of executions)
      expect(seen.slice(0, -1)).toEqual(last.slice(0, seen.length - 1));
  });

  test("can be passed to steps: arguments made from it are the same on replay", async () => {
    const { status } = await runHandler(newBackend(), async (step) => {
      for (let n = 0; n < 3; n++) {
        await echo(step, { at: Date.now(), text: new Date().toISOString() });
        await step.sleep(HOUR);
      }
      return "done";
    });
    expect(status).toEqual({ type: "completed", result: "done" });
  });

  test("stands still while the handler runs", async () => {
    const { last } = await seenByEach(async (step, see) => {
      for (let n = 0; n < 2; n++) {
        see(Date.now());
        for (let hop = 0; hop < 1000; hop++) await Promise.resolve();
        see(Date.now());
        await step.sleep(HOUR);
      }
    });
    expect(last[1]).toBe(last[0]);
    expect(last[3]).toBe(last[2]);
  });
});

describe("Math.random", () => {
  /** The numbers of a seed, as runs in flight have seen them. */
  function numbersOf(id: string, count: number) {
    let seed = 0;
    for (let i = 0; i < id.length; i++)
      seed = (Math.imul(seed, 31) + id.charCodeAt(i)) | 0;
    return Array.from({ length: count }, () => {
      seed = (seed + 0x9e3779b9) | 0;
      let t = seed ^ (seed >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      t ^= t >>> 15;
      return (t >>> 0) / 2 ** 32;
    });
  }

  test("is seeded by the run's id: it returns the same sequence on every replay", async () => {
    const { executions, last, workflowId } = await seenByEach(
      async (step, see) => {
        see(Math.random());
        await echo(step, Math.random());
        see(Math.random());
        await step.sleep(1);
        see(Math.random());
      },
    );
    const [first, , third, fourth] = numbersOf(workflowId, 4);
    expect(last).toEqual([first, third, fourth]);
    for (const seen of executions)
      expect(seen).toEqual(last.slice(0, seen.length));
  });

  test("the rest of Math is intact", async () => {
    const { last } = await seenByEach(async (step, see) => {
      see([Math.max(1, 3), Math.floor(2.5), Math.PI, Math.imul(3, 4)]);
      await echo(step, 1);
      await step.sleep(1);
    });
    expect(last).toEqual([[3, 2, Math.PI, 12]]);
  });
});

describe("console", () => {
  const printed = (method: "log" | "warn" | "error" = "log") => {
    const spy = vi.spyOn(console, method).mockImplementation(() => undefined);
    return () => spy.mock.calls.map((args) => args.join(" "));
  };

  test("prints each line once, when it is live", async () => {
    const lines = printed();
    await runHandler(newBackend(), async (step) => {
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
    expect(lines().sort()).toEqual(
      [
        "begin",
        "after a mutation",
        "after an inline one",
        "a branch",
        "another",
        "end",
      ].sort(),
    );
  });

  test("prints each line once when a turn yields", async () => {
    const lines = printed();
    await runHandler(newBackend(), async (step) => {
      console.log("begin");
      for (let n = 0; n < 600; n++) {
        await step.runMutation(steps.echo, { value: n }, { inline: true });
        if (n % 100 === 0) console.log(`${n}`);
      }
      console.log("end");
    });
    expect(lines()).toEqual([
      "begin",
      "0",
      "100",
      "200",
      "300",
      "400",
      "500",
      "end",
    ]);
  });

  test("counts, timers and groups keep their meaning across turns", async () => {
    const lines = printed();
    await runHandler(newBackend(), async (step) => {
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
    const [first, part, second, inside, time] = lines();
    expect([first, part, second, inside]).toEqual([
      "steps: 1",
      "part",
      "  steps: 2",
      "  inside",
    ]);
    const ms = Number(/^all: (\d+)ms/.exec(time!)?.[1]);
    expect(ms).toBeGreaterThanOrEqual(HOUR);
    expect(ms).toBeLessThan(HOUR + 10_000);
  });

  test("new console.Console throws, saying why", async () => {
    const { status } = await runHandler(newBackend(), async () => {
      new (console as any).Console();
    });
    expect(status).toMatchObject({
      type: "failed",
      error: expect.stringMatching(/console\.Console.*replayed/s) as string,
    });
  });
});

describe("globals that differ between executions are absent", () => {
  const names = ["process", "crypto", "Crypto", "CryptoKey", "SubtleCrypto"];

  test("they are undefined, on every replay", async () => {
    const { executions } = await seenByEach(async (step, see) => {
      see(names.map((name) => (globalThis as any)[name] as unknown));
      await echo(step, 1);
      await step.sleep(1);
    });
    for (const [seen] of executions)
      expect(seen).toEqual(names.map(() => undefined));
  });

  const deaths: [string, () => unknown][] = [
    ["process", () => process.env["HOME"]],
    ["crypto", () => crypto.randomUUID()],
    ["crypto", () => crypto.getRandomValues(new Uint8Array(1))],
    ["Crypto", () => new (Crypto as any)()],
  ];
  test.each(deaths)(
    "if a handler fails because it uses %s, the error says so and suggests a step",
    async (name, use) => {
      const atOnce = await runHandler(newBackend(), async () => use());
      const later = await runHandler(newBackend(), async (step) => {
        await step.sleep(1);
        return use();
      });
      for (const { status } of [atOnce, later])
        expect(status).toMatchObject({
          type: "failed",
          error: expect.stringMatching(
            new RegExp(
              `\`${name}\` is not available inside a workflow handler.*in a step`,
              "is",
            ),
          ) as string,
        });
    },
  );

  test("a step has them, and its own errors about them are unchanged", async () => {
    script("action", "uuid", () => typeof crypto.randomUUID());
    script("action", "dies", () => {
      throw new TypeError(
        "Cannot read properties of undefined (reading 'randomUUID')",
      );
    });
    const { status } = await runHandler(newBackend(), async (step) => [
      await step.runAction(steps.action, { name: "uuid" }),
      await step
        .runAction(steps.action, { name: "dies" })
        .catch((error: Error) => error.message),
    ]);
    expect(status).toMatchObject({
      result: [
        "string",
        "Cannot read properties of undefined (reading 'randomUUID')",
      ],
    });
  });
});

test("fetch and timers are not patched", async () => {
  const { last } = await seenByEach(async (step, see) => {
    see([typeof fetch, typeof setTimeout, typeof setInterval]);
    await echo(step, 1);
    await step.sleep(1);
  });
  expect(last).toEqual([["function", "function", "function"]]);
});

describe("the globals are restored", () => {
  const look = () => ({
    crypto: typeof crypto,
    replaced: Math.random === patched,
    console: Object.prototype.toString.call(console),
  });
  let patched: unknown;

  test("while an inline step's function runs in the middle of a turn", async () => {
    const outside = look();
    const seen: ReturnType<typeof look>[] = [];
    for (const kind of ["query", "mutation"] as const)
      script(kind, "look", () => void seen.push(look()));
    const { status } = await runHandler(newBackend(), async (step) => {
      patched = Math.random;
      const inside = look();
      for (let n = 0; n < 2; n++) {
        await step.runMutation(
          steps.mutation,
          { name: "look" },
          { inline: true },
        );
        await step.runQuery(steps.query, { name: "look" }, { inline: true });
      }
      return [inside.crypto, Math.random === patched];
    });
    expect(status).toMatchObject({ result: ["undefined", true] });
    expect(seen).toHaveLength(4);
    for (const each of seen)
      expect(each).toMatchObject({
        crypto: outside.crypto,
        replaced: false,
        console: outside.console,
      });
  });

  const endings: [string, Handler][] = [
    ["waits", (step) => step.sleep(1)],
    ["returns", async () => "done"],
    [
      "throws",
      async () => {
        throw new Error("no");
      },
    ],
    [
      "throws as it is called",
      () => {
        throw new Error("no");
      },
    ],
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
  ];
  test.each(endings)("after a turn whose handler %s", async (_how, handler) => {
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
