/** Checks the tables for the engine's guarantees G1 to G3, which must hold under every fault. */
import { same } from "../../../src/testing/random/differences.js";
import {
  checkEnded,
  checkPoolAtRest,
  withJournals,
  type Recorded,
} from "../../../src/testing/random/guarantees.js";
import type { VirtualClock } from "../backend/clock.mjs";
import type { Deployment } from "../backend/types.mjs";
import type { Trace } from "./app/convex/tracing.js";

/** The row that one execution of a step wrote. */
interface Mark {
  _id: string;
  _creationTime: number;
  run: string;
  key: string;
}
interface Attempt extends Mark {
  issuedAt: number;
}
interface Restart {
  run: string;
  at: number;
}
interface Ending {
  _creationTime: number;
  workflowId: string;
  result: NonNullable<Recorded["run"]["runResult"]>;
}
const WORKFLOW = "workflow";
const POOL = "workflow/workpool";

export async function checkInvariants(
  deployment: Deployment,
  clock: VirtualClock,
  lines: string[],
  { isOperated }: { isOperated: boolean },
) {
  const runs = await readRuns(deployment);
  const effects = (await deployment.rows("effects")) as Mark[];
  const attempts = (await deployment.rows("attempts")) as Attempt[];
  const restarts = (await deployment.rows("restarts")) as Restart[];
  const endings = (await deployment.rows("endings")) as Ending[];
  const jobs = await deployment.rows("_scheduled_functions", WORKFLOW);
  const left = jobs.filter(({ state }) => state.kind === "pending");
  same("scheduled functions that are left", left, []);
  // The workpool doesn't notice every one of its functions that an operator canceled.
  if (!isOperated) {
    same("timers that are left", clock.timers, 0);
    await checkPoolAtRest((table) => deployment.rows(table, POOL));
  }
  for (const run of runs) checkEnded(run);
  checkEffects(effects, runs);
  checkAttempts(attempts, restarts, runs);
  checkErrors(runs);
  await checkOnCompleteCalls(deployment, endings, runs);
  for (const ending of endings) checkCanceled(ending, effects, runs);
  for (const run of runs) checkTrace(run);
  checkLog(lines);
}

export const readRuns = async (deployment: Deployment) =>
  withJournals(
    await deployment.rows("workflows", WORKFLOW),
    await deployment.rows("steps", WORKFLOW),
  );

const isCallOf = (step: Recorded["steps"][0]["step"], type: string) =>
  "functionType" in step && step.functionType === type;

/** Checks that a mutation's writes exist exactly once if and only if its success is recorded (G1, G3). */
function checkEffects(effects: Mark[], runs: Recorded[]) {
  const expected: unknown[] = [];
  for (const { run, steps } of runs)
    for (const { step } of steps)
      if (isCallOf(step, "mutation") && step.runResult?.kind === "success")
        expected.push([run.args.run, step.name, step.runResult.returnValue]);
  const found = effects.map(({ run, key, _id }) => [run, key, _id]);
  same("effects", sorted(found), sorted(expected));
}

/**
 * Checks that each attempt of an action started at most once, and that its result comes from an attempt
 * after the last restart (G1, G3).
 */
function checkAttempts(
  attempts: Attempt[],
  restarts: Restart[],
  runs: Recorded[],
) {
  for (const { run, steps } of runs) {
    const name = run.args.run as string;
    const restartedAt = lastRestart(name, restarts);
    for (const { step, retry } of steps) {
      if (!isCallOf(step, "action")) continue;
      const own = attempts.filter(
        ({ run, key, issuedAt }) =>
          run === name && key === step.name && issuedAt >= restartedAt,
      );
      const most = retry?.maxAttempts ?? 1;
      if (own.length > most)
        same(`starts of "${step.name}" in ${name}`, own.length, most);
      const { runResult } = step;
      if (
        runResult?.kind === "success" &&
        !own.some(({ _id }) => _id === runResult.returnValue)
      )
        same(`attempts of "${step.name}" in ${name}`, own, runResult);
    }
  }
}

/** The platform's own errors: refused calls, system errors and exhausted transactions. */
const PLATFORM_ERROR =
  /^(Too many|There are no available workers|Couldn't acquire a permit|Selected isolate|Your request couldn't)|Too many index ranges/;

/** The workpool's errors for functions that an operator canceled. */
const CANCELED_IN_POOL = /^(Canceled via scheduler|Scheduled job not found)/;

/** Checks that no step or run fails because of platform errors. The work happens later instead (G1, G2, G7). */
function checkErrors(runs: Recorded[]) {
  for (const { run, steps } of runs)
    for (const [name, result] of [
      ["the run", run.runResult] as const,
      ...steps.map(({ step }) => [step.name, step.runResult] as const),
    ]) {
      const error = result?.kind === "failed" ? result.error : "";
      if (PLATFORM_ERROR.test(error) || CANCELED_IN_POOL.test(error))
        same(`end of "${name}" in ${run.args.run}`, error, "of its own");
    }
}

/** Returns the last restart of a run or one of its ancestors. */
function lastRestart(name: string, restarts: Restart[]) {
  const own = restarts.filter(({ run }) => `${name}/`.startsWith(`${run}/`));
  return Math.max(0, ...own.map(({ at }) => at));
}

/** Checks that each onComplete was called once, or that its failure is recorded (G2). */
async function checkOnCompleteCalls(
  deployment: Deployment,
  endings: Ending[],
  runs: Recorded[],
) {
  const failures = await deployment.rows("onCompleteFailures", WORKFLOW);
  for (const { run } of runs) {
    const { _id, onComplete, runResult, generationNumber } = run;
    const reported = endings.filter(({ workflowId }) => workflowId === _id);
    const kept = failures.filter(
      (failure: { workflowId?: string; generationNumber?: number }) =>
        failure.workflowId === _id &&
        failure.generationNumber === generationNumber,
    );
    same(
      `calls of onComplete of run ${_id}, and failures of it`,
      reported.length + kept.length,
      onComplete ? 1 : 0,
    );
    for (const { result } of reported)
      same(`the result that ${_id} reported`, result, runResult);
  }
}

/** Checks that a canceled run has no further effects (G3). */
function checkCanceled(
  { workflowId, result, _creationTime: endedAt }: Ending,
  effects: Mark[],
  runs: Recorded[],
) {
  if (result.kind !== "canceled") return;
  const { run, steps } = runs.find(({ run }) => run._id === workflowId)!;
  const after = effects.filter(
    (effect) => effect.run === run.args.run && effect._creationTime > endedAt,
  );
  same(`effects of ${run.args.run} after its cancellation`, after, []);
  for (const { step } of steps)
    if (step.completedAt !== undefined && step.completedAt > endedAt)
      same(`end of "${step.name}"`, step.completedAt, `before ${endedAt}`);
}

/** Checks that the handler received the results in the journal. */
function checkTrace({ run: { _id, runResult }, steps }: Recorded) {
  if (runResult?.kind !== "success") return;
  for (const [name, seen] of Object.entries(runResult.returnValue as Trace)) {
    const row = steps.find(({ step }) => step.name === name);
    const result = row?.step.runResult;
    // This is the result of a combinator, not of a step.
    if (!row && name === "any") continue;
    if ("value" in seen && result?.kind === "success")
      same(`value of "${name}" in ${_id}`, seen.value, result.returnValue);
    else if ("error" in seen && result?.kind === "failed")
      same(`error of "${name}" in ${_id}`, seen.error, result.error);
    else if (Object.keys(seen).length > 0)
      same(`outcome of "${name}" in run ${_id}`, seen, result);
  }
}

/**
 * Checks that the engine logs no errors except failed runs. The deployment logs transactions that took too
 * long, and the test's own calls that were lost or that no step awaits yet.
 */
function checkLog(lines: string[]) {
  const alarming = lines.filter(
    (line) =>
      /^(WARN|ERROR) (app programs:|workflow (?!utils:))/.test(line) &&
      !/ fails:'? |onComplete of workflow \S+ failed|Function execution timed out|was sent to workflow \S+: it is already/.test(
        line,
      ) &&
      !/Event \W*(\w+)\W* was sent to workflow .*, which waits for event (?!\W*\1\b)/.test(
        line,
      ),
  );
  same("alarming lines", alarming, []);
}

function sorted(values: unknown[]) {
  return values.map((value) => JSON.stringify(value)).sort();
}
