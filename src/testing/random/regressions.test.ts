import { expect, test } from "vitest";
import { advance, drain, newBackend, rows, useBackend } from "../harness.js";
import { installPrograms } from "./backend/app.js";
import { startProgram } from "./backend/execute.js";
import { Faults } from "./backend/faults.js";
import { FaultyFunctions } from "./backend/faultyFunctions.js";
import { silenceConsole } from "./backend/quiet.js";
import type { Node } from "./program.js";

// Bugs that random programs and faults have found, each reduced to a minimal case.

useBackend();
silenceConsole();

test("an attempt whose failure is reported twice is followed by one attempt, not two", async () => {
  const program: Node = {
    do: "call",
    id: 0,
    kind: "action",
    plan: { id: 0, ends: "ok", failures: 2, ms: 1000 },
  };
  const { attempts } = installPrograms();
  const functions = new FaultyFunctions(Faults.none().decide);
  const t = newBackend({ wrap: functions.wrap, execution: "pool" });
  const runner = t as unknown as {
    fun(path: object, args: unknown): Promise<unknown>;
  };
  await startProgram(t, program, { startAsync: false });
  await advance(1500);
  const [told, ...others] = functions.calls.filter(
    ({ path }) => path === "pool:actionOnComplete",
  );
  expect(others).toEqual([]);
  const retried = await rows(t, "steps");
  await functions.withoutFaults(() =>
    runner.fun(
      { componentPath: "workflow", udfPath: "pool:actionOnComplete" },
      told!.args,
    ),
  );
  expect(await rows(t, "steps")).toEqual(retried);
  await drain();
  expect([...attempts.values()]).toEqual([3]);
});
