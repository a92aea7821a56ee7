import { describe, expect, test } from "vitest";
import { DeterminismError, differentRequest } from "./divergence.js";
import type { JournalEntry, StepKind, StepRequest } from "./journal.js";
import { entry } from "./testing/machine.js";

const REQUEST: StepRequest = {
  kind: "function",
  functionType: "mutation",
  name: "orders:charge",
  args: {},
  unstableArgs: false,
  inline: false,
};

function compare(
  held: Partial<JournalEntry>,
  asked: Partial<StepRequest> = {},
) {
  const error = differentRequest("run1", 3, entry("orders:charge", held), {
    ...REQUEST,
    ...asked,
  });
  return error?.message;
}

const bytes = (...values: number[]) => new Uint8Array(values).buffer;

const ofArgs = (held: object, asked: object) =>
  compare(
    { args: held as Record<string, unknown> },
    { args: asked as Record<string, unknown> },
  );

describe("the same request", () => {
  test.each<[string, object, object]>([
    ["no arguments", {}, {}],
    ["equal values", { a: [1, "x", null, true] }, { a: [1, "x", null, true] }],
    ["fields in another order", { a: 1, b: 2 }, { b: 2, a: 1 }],
    ["an undefined field and none", { a: 1 }, { a: 1, b: undefined }],
    ["NaN", { a: NaN }, { a: NaN }],
    ["negative zero", { a: -0 }, { a: -0 }],
    ["big integers", { a: 5n }, { a: 5n }],
    ["bytes", { a: bytes(1, 2) }, { a: bytes(1, 2) }],
    ["empty bytes", { a: bytes() }, { a: bytes() }],
  ])("has equal arguments: %s", (_what, held, asked) => {
    expect(ofArgs(held, asked)).toBeUndefined();
  });

  const result = { kind: "failed" as const, error: "boom" };
  test.each<[string, Partial<JournalEntry>, Partial<StepRequest>]>([
    [
      "other arguments, if it says that they are unstable",
      { args: { a: 1 } },
      { args: { a: 2 }, unstableArgs: true },
    ],
    [
      "arguments that could not be stored",
      { argsOmitted: true },
      { args: { a: "too large" } },
    ],
    ["a step with any result", { outcome: { result }, completedAt: 1 }, {}],
  ])("may have %s", (_what, held, asked) => {
    expect(compare(held, asked)).toBeUndefined();
  });
});

describe("a different request", () => {
  test("has an error with the run, the step number, both steps and a fix", () => {
    expect(
      ofArgs(
        { order: { items: ["a", "b"], paid: true } },
        { order: { items: ["a", "c"], paid: true } },
      ),
    ).toBe(
      [
        "Determinism violation in workflow run1 at step 3: the value of args.order.items[1] differs.",
        '  The journal holds: mutation "orders:charge" with args.order.items[1] = "b"',
        '  The handler asked for: mutation "orders:charge" with args.order.items[1] = "c"',
        "A handler must ask for the same steps in the same order each time it is replayed. Was its code " +
          "changed while this run was in flight, or does it depend on something other than its arguments and " +
          "step results? Once the code is right, restart the run: without `from` it continues, with `from` it " +
          "repeats what follows that step. Put later changes behind step.patched. " +
          'Other runs that are affected fail with "Determinism violation" in their error.',
      ].join("\n"),
    );
  });

  test("has its own error class", () => {
    const error = differentRequest("run1", 0, entry("a"), REQUEST);
    expect(error).toBeInstanceOf(DeterminismError);
    expect(error).toHaveProperty("name", "DeterminismError");
  });

  const other = (kind: StepKind) => ({ kind, functionType: undefined });
  test.each<[string, string, Partial<JournalEntry>]>([
    ["name", 'mutation "orders:refund"', { name: "orders:refund" }],
    ["kind", 'action "orders:charge"', { functionType: "action" }],
    ["kind", 'workflow "orders:charge"', other("workflow")],
    ["kind", 'event "orders:charge"', other("event")],
    ["kind", 'sleep "orders:charge"', other("sleep")],
  ])(
    "with another %s is refused, even with unstable arguments: %s",
    (what, recorded, held) => {
      for (const unstableArgs of [false, true])
        expect(compare(held, { unstableArgs })).toContain(
          `at step 3: the ${what} differs.\n` +
            `  The journal holds: ${recorded}\n` +
            '  The handler asked for: mutation "orders:charge"\n',
        );
    },
  );

  test.each<[string, object, object, string]>([
    ["a value", { a: 1 }, { a: 2 }, "args.a"],
    [
      "a nested value",
      { a: { b: { c: 1 } } },
      { a: { b: { c: 2 } } },
      "args.a.b.c",
    ],
    ["a missing field", { a: 1, b: 2 }, { a: 1 }, "args.b"],
    ["a field too many", { a: 1 }, { a: 1, b: 2 }, "args.b"],
    ["a type", { a: 1 }, { a: "1" }, "args.a"],
    ["a big integer", { a: 1n }, { a: 1 }, "args.a"],
    ["the sign of zero", { a: 0 }, { a: -0 }, "args.a"],
    ["null and nothing", { a: null }, {}, "args.a"],
    ["an array's length", { a: [1, 2] }, { a: [1] }, "args.a"],
    ["an array and an object", { a: [] }, { a: {} }, "args.a"],
    ["bytes", { a: bytes(1, 2) }, { a: bytes(1, 3) }, "args.a"],
    ["fewer bytes", { a: bytes(1, 2) }, { a: bytes(1) }, "args.a"],
    ["bytes and an object", { a: bytes() }, { a: {} }, "args.a"],
    ["an element", { a: [{ b: 1 }] }, { a: [{ b: 2 }] }, "args.a[0].b"],
  ])("%s", (_what, held, asked, path) => {
    expect(ofArgs(held, asked)).toContain(`the value of ${path} differs.`);
  });

  test("shows absent fields as undefined", () => {
    const text = ofArgs({ a: 1 }, {});
    expect(text).toContain("with args.a = 1\n");
    expect(text).toContain("with args.a = undefined\n");
  });

  test("shows the beginning of large values", () => {
    const held = { a: "x".repeat(1_000_000) };
    const text = ofArgs(held, { a: "y".repeat(1_000_000) })!;
    expect(text.length).toBeLessThan(2500);
  });
});
