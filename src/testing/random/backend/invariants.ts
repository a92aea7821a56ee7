import type { Doc } from "../../../component/_generated/dataModel.js";
import { inComponent, rows, type Backend } from "../../harness.js";
import { poolRows } from "../../managing.js";
import { same } from "../differences.js";
import { checkPoolAtRest } from "../guarantees.js";
import type { RecordedRun } from "./journals.js";
import type { WorkInput } from "../interpret.js";
import { keyOf } from "./app.js";
import { REFUSAL } from "./faultyFunctions.js";

/**
 * Checks that a mutation step's writes exist exactly once if and only if its success is recorded (G1).
 * Each restart may have executed it once more.
 */
export async function checkEffects(
  t: Backend,
  runs: RecordedRun[],
  restarts: number,
) {
  const times = new Map<string, number>();
  for (const { key } of await t.run((ctx) => ctx.db.query("effects").collect()))
    times.set(key, (times.get(key) ?? 0) + 1);
  for (const { step, key } of functionSteps(runs)) {
    if (step.functionType !== "mutation") continue;
    const found = times.get(key) ?? 0;
    const expected = step.runResult?.kind === "success" ? 1 : 0;
    if (found < expected || found > expected + restarts)
      same(`how often step ${key} took effect`, found, expected);
    times.delete(key);
  }
  if (restarts === 0)
    same("effects of steps that are not recorded", [...times.keys()], []);
}

/** Checks that each attempt calls an action at most once (G1). A refusal doesn't count as an attempt. */
export function checkAttempts(
  attempts: Map<string, number>,
  runs: RecordedRun[],
) {
  for (const { key, row } of functionSteps(runs)) {
    const most = row.retry?.maxAttempts ?? 1;
    const found = attempts.get(key) ?? 0;
    if (found > most) same(`how often action ${key} was called`, found, most);
    const { runResult } = row.step;
    if (runResult?.kind === "failed" && runResult.error === REFUSAL)
      same(`how step ${key} ended`, runResult, "not refused");
  }
}

function functionSteps(runs: RecordedRun[]) {
  return runs
    .flatMap(({ steps }) => steps)
    .flatMap((row) => {
      // The arguments of a refused step aren't recorded.
      if (!("functionType" in row.step) || row.argsOmitted) return [];
      const { workflowId, plan } = row.step.args.input as WorkInput;
      return [{ row, step: row.step, key: keyOf(workflowId, plan) }];
    });
}

/** Checks that no run has a job, a timer or a turn left (G2). */
export async function checkAtRest(t: Backend) {
  await checkPoolAtRest((table) => poolRows(t, table));
  const scheduled = await inComponent(t, (ctx) =>
    ctx.db.system.query("_scheduled_functions").collect(),
  );
  const pending = scheduled.filter(({ state }) => state.kind === "pending");
  same(
    "functions still scheduled",
    pending.map(({ name }) => name),
    [],
  );
}

/** Checks that each onComplete was called once, or that its failure is recorded. */
export async function checkOnCompleteCalls(
  t: Backend,
  run: Doc<"workflows">,
  times: number,
) {
  const ended = await t.run((ctx) => ctx.db.query("ended").collect());
  const reported = ended.filter(({ workflowId }) => workflowId === run._id);
  const failures = (await rows(t, "onCompleteFailures")).filter(
    ({ workflowId }) => workflowId === run._id,
  );
  same(
    "calls of onComplete, and failures of it that are kept",
    reported.length + failures.length,
    times,
  );
}
