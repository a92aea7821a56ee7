import { ConvexError, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  maxArgsBytes,
  MAX_OBJECT_FIELDS,
  MAX_VALUE_NESTING,
} from "../../shared/limits.js";
import {
  journal,
  newBackend,
  runHandler,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { listenToConsole } from "../../testing/managing.js";
import { expectStorableRows, nested, textOf } from "../../testing/storable.js";
import {
  call,
  caught,
  functions,
  KiB,
  kinds,
  MiB,
  scriptValue,
} from "../../testing/values.js";

useBackend();
listenToConsole();

describe.each(kinds)("the arguments of a %s", (kind, run) => {
  const tooLarge: [string, Value, RegExp][] = [
    [
      "too large for a document",
      textOf(MiB + 100 * KiB),
      /arguments.* are too large: \d+ bytes, the maximum is \d+ bytes/,
    ],
    [
      "larger than a journal may be",
      textOf(9 * MiB),
      /arguments.* are too large: \d+ bytes, the maximum is \d+ bytes/,
    ],
    [
      "nested too deep",
      nested(MAX_VALUE_NESTING),
      /arguments.* can't be stored: .*nested more than 13 levels/,
    ],
    [
      "with too long an array",
      new Array<Value>(8193).fill(0),
      /arguments.* can't be stored: .*8193 elements, the maximum is 8192/,
    ],
    [
      "with too many fields",
      Object.fromEntries(
        Array.from({ length: MAX_OBJECT_FIELDS + 1 }, (_, n) => [`f${n}`, n]),
      ),
      /arguments.* can't be stored: .*1025 fields, the maximum is 1024/,
    ],
  ];
  test.each(tooLarge)(
    "%s fail the step, and it does not run",
    async (_what, input, message) => {
      const t = newBackend();
      const ran = scriptValue(() => "ran");
      const error = await caught(t, (step) => run(step, { input }));
      expect(error).toMatch(message);
      expect(ran.count).toBe(0);
    },
  );

  test("may be as large as a document holds", async () => {
    const t = newBackend();
    scriptValue(() => kind);
    const input = textOf(900 * KiB);
    const { status } = await runHandler(t, (step) => run(step, { input }));
    expect(status).toEqual(completed(kind));
    await expectStorableRows(t);
  });

  test("that are as bad as possible don't keep other steps from running", async () => {
    const t = newBackend();
    scriptValue(() => kind);
    const input = textOf(2 * MiB);
    const { status } = await runHandler(t, async (step) => {
      const [bad, good] = await Promise.allSettled([
        run(step, { input }),
        run(step),
      ]);
      return [bad.status, good.status];
    });
    expect(status).toMatchObject({ result: ["rejected", "fulfilled"] });
  });
});

test.each([
  ["a function", { input: () => 1 }],
  ["a Date", { input: new Date(0) }],
  ["a Map", { input: new Map() }],
])(
  "arguments that are no Convex values reject, which can be caught: %s",
  async (_what, args) => {
    const t = newBackend();
    const { status, workflowId } = await runHandler(t, async (step) => {
      const error = await step
        .runMutation(steps.mutation, { ...call, ...args })
        .catch((error: Error) => error.message);
      await step.sleep(1);
      return error;
    });
    expect(status).toMatchObject({
      result: expect.stringContaining("which Convex can't store") as string,
    });
    expect(await journal(t, workflowId)).toHaveLength(1);
  },
);

describe.each(functions)(
  "a %s: arguments and result together",
  (_kind, run) => {
    test("over a document's size fail the step", async () => {
      scriptValue(() => textOf(700 * KiB));
      const input = textOf(700 * KiB);
      const error = await caught(newBackend(), (step) => run(step, { input }));
      expect(error).toMatch(
        /return value.*too large to be kept beside its arguments: 716800 bytes.*maximum together/,
      );
    });

    test("an oversized result beside large arguments still leaves a row that can be stored", async () => {
      scriptValue(() => "😀".repeat(300 * KiB));
      const input = textOf(960 * KiB);
      const error = await caught(newBackend(), (step) => run(step, { input }));
      expect(error).toMatch(/too large/);
    });
  },
);

describe.each(functions)("a %s's error", (kind, run) => {
  test("that is very long is shortened, and says so", async () => {
    scriptValue(() => {
      throw new Error("begin " + "e".repeat(3 * MiB));
    });
    const error = await caught(newBackend(), run);
    expect(error).toMatch(/^begin eee/);
    expect(error).toMatch(/\d+ characters, cut to \d+/);
    expect(error.length).toBeLessThanOrEqual(16 * KiB);
  });

  test("is cut between characters", async () => {
    for (const start of ["", "a"]) {
      scriptValue(() => {
        throw new Error(start + "😀".repeat(MiB));
      });
      await caught(newBackend(), run);
    }
  });

  test("beside arguments that fill the row is shortened to fit", async () => {
    scriptValue(() => {
      throw new Error("why ".repeat(20_000));
    });
    const most = maxArgsBytes(kind.split(" ").at(-1));
    for (const size of [most - 20 * KiB, most - 100]) {
      const input = textOf(size);
      const error = await caught(newBackend(), (step) => run(step, { input }));
      expect(error).toMatch(/^why why/);
    }
  });

  test("whose data doesn't fit beside the arguments loses its data, not its text", async () => {
    scriptValue(() => {
      throw new ConvexError(textOf(300 * KiB));
    });
    const input = textOf(800 * KiB);
    const error = await caught(newBackend(), (step) => run(step, { input }));
    expect(error).toMatch(/^xxx.*cut to/);
  });

  test("whose data no document can hold loses its data", async () => {
    scriptValue(() => {
      throw new ConvexError(nested(20));
    });
    const error = await caught(newBackend(), run);
    expect(error).toMatch(/^\[\[/);
  });
});

describe("a handler's return value or error", () => {
  const statusAfter = async (t: Backend, handler: () => unknown) => {
    const atOnce = await runHandler(t, async () => handler(), {
      name: "first",
    });
    const later = await runHandler(
      t,
      async (step) => {
        await step.sleep(1);
        return handler();
      },
      { name: "other" },
    );
    await expectStorableRows(t);
    const [now, then] = [atOnce, later].map(({ status, workflowId }) =>
      JSON.stringify(status).replaceAll(workflowId, "<id>"),
    );
    expect(then).toBe(now);
    return now!;
  };

  test.each([
    ["too large for a document", () => textOf(2 * MiB), /too large: \d+ bytes/],
    ["too deep", () => nested(20), /can't be stored: .*nested/],
    [
      "no Convex value",
      () => new Date(0),
      /the value is a Date, which Convex can't store/,
    ],
    ["a function inside", () => [() => 1], /\[0\] is a function/],
  ])(
    "a return value %s fails the run, saying why",
    async (_what, value, why) => {
      const status = await statusAfter(newBackend(), value);
      expect(status).toMatch(/"type":"failed"/);
      expect(status).toMatch(why);
    },
  );

  test("a very long error is shortened", async () => {
    const status = await statusAfter(newBackend(), () => {
      throw new Error("begin " + "😀".repeat(MiB));
    });
    expect(status).toMatch(/"error":"begin /);
    expect(status.length).toBeLessThan(40 * KiB);
  });
});

test.each([
  [
    "long error",
    () => {
      throw new Error("why ".repeat(20_000));
    },
    /^why why/,
  ],
  ["oversized return value", () => textOf(MiB), /is too large.*begins/],
] as const)(
  "a %s of a run whose arguments fill its row is shortened to fit",
  async (_what, result, message) => {
    const t = newBackend();
    const input = textOf(maxArgsBytes(undefined) - 200);
    const { status } = await runHandler(t, async () => result(), { input });
    expect(status).toEqual(failed(expect.stringMatching(message)));
    await expectStorableRows(t);
  },
);
