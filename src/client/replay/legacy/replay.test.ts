import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createQuiesce } from "../../environment/quiesce.js";
import { DeterminismError } from "../divergence.js";
import { cases, CONTRADICTION } from "./testing/cases.js";
import { goldens } from "./testing/goldens.js";
import { retake, turnsOf } from "./testing/turns.js";

const waysToWait = {
  "the event loop": createQuiesce(() =>
    Promise.reject(new Error("the host was not to be asked")),
  ),
  "a call to the host": () => setImmediate(),
};

/** Answers the syscall of `createFunctionHandle`. */
const host = {
  asyncSyscall: (_call: string, args: string) => {
    const { name } = JSON.parse(args) as { name: string };
    return Promise.resolve(JSON.stringify(`function://;${name}`));
  },
};
beforeEach(() => {
  vi.stubGlobal("Convex", host);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const [contradiction, ...others] = [...goldens].sort(
  (a, b) => Number(b.name === CONTRADICTION) - Number(a.name === CONTRADICTION),
);

test("all cases are recorded", () => {
  expect(goldens).toHaveLength(cases.length);
  expect(contradiction!.name).toBe(CONTRADICTION);
});

describe.each(Object.entries(waysToWait))(
  "with microtasks drained by %s, each turn asks for the steps that 0.4 recorded next",
  (_way, afterMicrotasks) => {
    test.each(others)("$name", async (golden) => {
      for (const turn of turnsOf(golden)) {
        const { end, asked } = await retake(turn, afterMicrotasks);
        expect(
          asked.map(({ kind, functionType, name, args }) => ({
            kind,
            functionType,
            name,
            args,
          })),
        ).toEqual(
          turn.asked.map(({ step }) => ({
            kind: step.kind,
            functionType:
              "functionType" in step ? step.functionType : undefined,
            name: step.name,
            args: step.args as unknown,
          })),
        );
        switch (turn.runResult?.kind) {
          case undefined:
            expect(end).toEqual({ kind: "waiting" });
            break;
          case "success": {
            const { returnValue } = turn.runResult;
            expect(end.kind).toBe("returned");
            const { value } = end as { value: unknown };
            // Stored results have null in place of undefined.
            expect(JSON.parse(JSON.stringify(value ?? null))).toEqual(
              returnValue,
            );
            break;
          }
          case "failed":
            expect(end.kind).toBe("threw");
            expect(turn.runResult.error).toContain(
              (end as { error: Error }).error.message,
            );
        }
      }
    });

    test("a journal that 0.4 can't replay fails here too", async () => {
      const last = turnsOf(contradiction!).at(-1)!;
      expect(last.runResult).toMatchObject({
        kind: "failed",
        error: expect.stringContaining("Journal entry mismatch"),
      });
      await expect(retake(last, afterMicrotasks)).rejects.toThrow(
        DeterminismError,
      );
    });
  },
);
