import { expect, test } from "vitest";
import { completed, failed } from "../testing/machine.js";
import { overJournal } from "./testing/overJournal.js";

test("functions are not distinguished by their type", async () => {
  const end = await overJournal([completed("step", 0)], (ask) =>
    ask("function", { functionType: "query" }),
  );
  expect(end).toEqual({ kind: "returned", value: "step" });
});

test.each([
  ["kind", { kind: "sleep" }],
  ["name", { name: "other" }],
  ["value of args.x", { args: { x: 1 } }],
] as const)("a step of another %s is refused", async (what, request) => {
  const journal = [completed("step", 0)];
  await expect(
    overJournal(journal, (ask) => ask("function", request)),
  ).rejects.toThrow(`at step 0: the ${what} differs.`);
});

test("a handler may return without asking for what its journal holds", async () => {
  const journal = [completed("step", 0), completed("step", 1)];
  const end = await overJournal(journal, (ask) => ask("function"));
  expect(end.kind).toBe("returned");
});

test("a step that is not awaited may fail without failing the turn", async () => {
  const no = failed("no");
  const journal = [completed("step", 0, no), completed("step", 1, no)];
  const end = await overJournal(journal, async (ask) => {
    void ask("function");
    await ask("function").catch(() => {});
    return "returned";
  });
  expect(end).toEqual({ kind: "returned", value: "returned" });
});

test("a handler that awaits something other than a step is stuck", async () => {
  const end = await overJournal([], () => new Promise(() => {}));
  expect(end).toEqual({ kind: "stuck" });
});
