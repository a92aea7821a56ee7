import { makeFunctionReference } from "convex/server";
import type { WorkflowStatus } from "@convex-dev/workflow";
import { finalStatus } from "../shared/outcome.js";
import {
  backendOf,
  findRun,
  getRun,
  inComponent,
  type Place,
  type Run,
  type Test,
} from "./backends.js";
import { currentTime } from "./clock.js";
import {
  describeRun,
  describeWaits,
  remainingOf,
  rootOf,
  stepsInFlight,
  type Counts,
  type Remaining,
} from "./remaining.js";

/** Options of {@link finishWorkflows}. */
export interface FinishOptions {
  /**
   * Stop as soon as this holds. It is called before each timer. `"waiting"` stops before an event wait gives up
   * because of its `timeout`. Default: stop when no run has anything left to do.
   */
  until?: "waiting" | (() => boolean | Promise<boolean>);
  /** Throw after this many timers, because the runs seem never to end. Default: 10,000. */
  maxTimers?: number;
}

/** Options of {@link waitForRun} and {@link skipSleep}. */
export interface WaitOptions {
  /** The name that the component is registered under. Needed if two components have a run with the same id. */
  name?: string;
  /** Throw after this many timers. Default: 10,000. */
  maxTimers?: number;
}

/** The status of a run that has ended, as `manager.status` returns it. */
export type FinalStatus = Exclude<WorkflowStatus, { type: "inProgress" }>;

/**
 * Lets fake timers fire, one at a time and in the order of their times, until no run has anything left to do. Every
 * function that a timer starts finishes before the next timer fires.
 *
 * Sleeps end, steps are retried, and event waits time out. A run that only waits for an event has nothing left to do.
 * Deadlines and retention alone let no time pass. Functions of your app that are due by then run, too.
 *
 * Without fake timers, this waits in real time, and throws if nothing is due within five seconds.
 *
 * @param t - The result of `convexTest` that you passed to `register`.
 */
export async function finishWorkflows(
  t: Test,
  { until, maxTimers }: FinishOptions = {},
): Promise<void> {
  if (until && until !== "waiting" && typeof until !== "function")
    throw new Error(
      `Invalid options of finishWorkflows: until is ${JSON.stringify(until)}. Expected "waiting" or a function.`,
    );
  await drive(t, {
    counts: ({ kind }) =>
      kind === "work" || (kind === "timeout" && until !== "waiting"),
    until: until === "waiting" ? undefined : until,
    maxTimers,
  });
}

/**
 * Lets timers fire, as `finishWorkflows` does, until a run ends, and returns its status. If nothing else is left to do,
 * the run reaches its deadline. Throws if it waits for something that nothing will bring, such as an event.
 *
 * @param t - The result of `convexTest` that you passed to `register`.
 */
export async function waitForRun(
  t: Test,
  workflowId: string,
  { name, maxTimers }: WaitOptions = {},
): Promise<FinalStatus> {
  const place = await findRun(t, workflowId, name);
  const isOwn = await inTreeOf(t, place);
  let final: FinalStatus | undefined;
  await drive(t, {
    counts: (left) => left.kind !== "deadline" || isOwn(left),
    until: async () => {
      final = statusOf(await readRun(t, place));
      return final !== undefined;
    },
    maxTimers,
  });
  if (final) return final;
  throw new Error(
    `${await describe(t, place)}, and nothing is left to do. Send the event that it waits for, then wait for the run.`,
  );
}

/**
 * Ends the sleeps that a run is in, without waiting. If the run has work to do before it sleeps, that happens first.
 * Throws if the run doesn't sleep. Timeouts of event waits, and the sleeps of children, aren't skipped.
 *
 * @param t - The result of `convexTest` that you passed to `register`.
 */
export async function skipSleep(
  t: Test,
  workflowId: string,
  { name, maxTimers }: WaitOptions = {},
): Promise<void> {
  const place = await findRun(t, workflowId, name);
  const isOwn = await inTreeOf(t, place);
  await drive(t, {
    counts: (left) => left.kind === "work" && isOwn(left),
    until: async () =>
      (await sleepsOf(t, place)).length > 0 ||
      statusOf(await readRun(t, place)) !== undefined,
    maxTimers,
  });
  const { generationNumber } = await readRun(t, place);
  const sleeps = await sleepsOf(t, place);
  for (const { _id, stepNumber, timer } of sleeps)
    await inComponent(t, place.name, async (ctx) => {
      if (timer)
        await ctx.db.patch("steps", _id, {
          timer: { ...timer, endsAt: Date.now() },
        });
      await ctx.runMutation(fireTimer, {
        workflowId: place.workflowId,
        generationNumber,
        stepNumber,
      });
    });
  if (sleeps.length > 0) return;
  const end = statusOf(await readRun(t, place));
  throw new Error(
    end
      ? `Workflow ${workflowId} doesn't sleep: it is ${end.type}.`
      : `${await describe(t, place)}. It doesn't sleep.`,
  );
}

const fireTimer = makeFunctionReference<"mutation">("execute:timer");

const sleepsOf = (t: Test, { name, workflowId }: Place) =>
  inComponent(t, name, async (ctx) => {
    const run = await getRun(ctx, workflowId);
    const rows = await stepsInFlight(ctx, workflowId);
    return run?.runResult
      ? []
      : rows.filter(({ step }) => step.kind === "sleep");
  });

interface Goal {
  /** Whether time should pass for this. */
  counts: Counts;
  until?: (() => boolean | Promise<boolean>) | undefined;
  maxTimers?: number | undefined;
}

async function drive(t: Test, { counts, until, maxTimers = 10_000 }: Goal) {
  const backend = backendOf(t);
  const time = currentTime();
  const readLeft = (most?: number) => remainingOf(t, backend, counts, most);
  const checkProgress = progressCheck(maxTimers);
  for (;;) {
    await time.settle(t);
    if (await until?.()) return;
    await checkProgress(readLeft);
    if ((await readLeft(1)).length > 0) await time.advance(readLeft);
    // The app's own functions may be due as well.
    else if (!(await time.runDue())) return;
  }
}

/** How often to check that runs make progress, and how many checks without progress count as stuck. */
const CHECK_EVERY = 100;
const MAX_UNCHANGED = 5;

/** Creates a check that throws if runs continue forever, or if due work never completes. */
function progressCheck(maxTimers: number) {
  let timers = 0;
  let seen = "";
  let unchanged = 0;
  return async (readLeft: () => Promise<Remaining[]>) => {
    const isOver = timers++ >= maxTimers;
    if (!isOver && timers % CHECK_EVERY > 0) return;
    const left = await readLeft();
    const now = left.map(({ what }) => what).join("; ");
    const shown = now.slice(0, 1000) || "Only functions of the app are due";
    if (isOver)
      throw new Error(
        `There is still work left after ${maxTimers} timers. ${shown}. Pass \`until\` if a run never ends, or a higher \`maxTimers\`.`,
      );
    unchanged = now === seen ? unchanged + 1 : 0;
    seen = now;
    const isWaiting = left.some(({ dueAt = 0 }) => dueAt > Date.now());
    if (unchanged >= MAX_UNCHANGED && !isWaiting)
      throw new Error(
        `Nothing has changed for ${unchanged * CHECK_EVERY} timers. ${shown}. Is the workpool paused, or Date mocked without fake timers?`,
      );
  };
}

/** Returns a filter for the remaining work of a run's tree. */
async function inTreeOf(t: Test, place: Place): Promise<Counts> {
  const run = await readRun(t, place);
  const { name } = place;
  const root = await inComponent(t, name, (ctx) => rootOf(ctx, run));
  return (left) => left.name === name && left.root === root;
}

const readRun = (t: Test, { name, workflowId }: Place) =>
  inComponent(t, name, async (ctx) => {
    const run = await getRun(ctx, workflowId);
    if (run) return run;
    throw new Error(
      `Workflow ${workflowId} was cleaned up when it ended, so its status is gone. Check what your onComplete function did instead.`,
    );
  });

const describe = (t: Test, { name, workflowId }: Place) =>
  inComponent(t, name, async (ctx) => {
    const run = await getRun(ctx, workflowId);
    return `${describeRun(run!)} is in progress: ${await describeWaits(ctx, workflowId)}`;
  });

function statusOf({ runResult, progress }: Run): FinalStatus | undefined {
  const status = runResult && finalStatus(runResult);
  return status && progress !== undefined ? { ...status, progress } : status;
}
