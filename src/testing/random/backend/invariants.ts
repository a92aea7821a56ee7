import type { GenericDataModel, GenericMutationCtx } from "convex/server";
import type { Doc } from "../../../component/_generated/dataModel.js";
import { inComponent, rows, type Backend } from "../../harness.js";
import { same } from "../differences.js";
import type { RecordedRun } from "./journals.js";
import type { WorkInput } from "../interpret.js";
import { keyOf } from "./app.js";
import { REFUSAL } from "./faultyFunctions.js";

type Ctx = GenericMutationCtx<GenericDataModel>;
interface Runner {
  runInComponent<T>(path: string, run: (ctx: Ctx) => Promise<T>): Promise<T>;
}

/** Checks that a recorded result never changes (G1). */
export class ResultWatch {
  private known = new Map<string, string>();

  async look(t: Backend) {
    const runs = new Map<string, number>(
      (await rows(t, "workflows")).map((run) => [
        run._id,
        run.generationNumber,
      ]),
    );
    for (const { _id, step, workflowId } of await rows(t, "steps")) {
      if (!step.runResult) continue;
      const key = `${_id} in generation ${runs.get(workflowId)}`;
      const result = JSON.stringify([step.runResult, step.completedAt]);
      same(`the result of step ${key}`, result, this.known.get(key) ?? result);
      this.known.set(key, result);
    }
  }
}

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
      if (!("functionType" in row.step)) return [];
      const { workflowId, plan } = row.step.args.input as WorkInput;
      return [{ row, step: row.step, key: keyOf(workflowId, plan) }];
    });
}

const POOL_TABLES = [
  "work",
  "pendingStart",
  "pendingCompletion",
  "pendingCancelation",
  "payload",
];

/** Checks that no run has a job, a timer or a turn left (G2). */
export async function checkAtRest(t: Backend) {
  const runner = t as unknown as Runner;
  await runner.runInComponent("workflow/workpool", async (ctx) => {
    for (const table of POOL_TABLES)
      same(
        `what is left of the pool's ${table}`,
        await ctx.db.query(table).collect(),
        [],
      );
    const state = await ctx.db.query("internalState").first();
    same("what still runs in the pool", state?.["running"] ?? [], []);
  });
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

/** Checks that a run has ended and waits for nothing (G2). */
export function checkEnded({ run, steps }: RecordedRun) {
  if (!run.runResult) throw new Error(`Run ${run._id} has not ended`);
  same(`the turn due of run ${run._id}`, run.pendingTurn, undefined);
  same(`the driver of run ${run._id}`, run.driver, undefined);
  if (run.runResult.kind === "canceled" || run.timedOut) return;
  for (const { step, unstarted } of steps) {
    const dropped = step.kind === "sleep" || step.kind === "event";
    if (step.inProgress && !dropped && !unstarted)
      throw new Error(
        `Step ${step.name} of run ${run._id} is in flight for ever`,
      );
  }
}

/** Checks that each onComplete was called once, or that its failure is recorded. */
export async function checkToldOnce(
  t: Backend,
  run: Doc<"workflows">,
  times: number,
) {
  const ended = await t.run((ctx) => ctx.db.query("ended").collect());
  const told = ended.filter(({ workflowId }) => workflowId === run._id);
  const failures = (await rows(t, "onCompleteFailures")).filter(
    ({ workflowId }) => workflowId === run._id,
  );
  same(
    "calls of onComplete, and failures of it that are kept",
    told.length + failures.length,
    times,
  );
}
