import { v, type ObjectType } from "convex/values";
import { codedError, invalidArgument } from "../../shared/errors.js";
import { MAX_RESULT_BYTES } from "../../shared/limits.js";
import {
  fittingOutcome,
  vRunResult,
  type Outcome,
  type RunResult,
} from "../../shared/outcome.js";
import {
  abbreviate,
  nameProblem,
  recordingProblem,
} from "../../shared/storable.js";
import type { Doc, Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { readConfig, type Config } from "../platform/config.js";
import { isLegacy } from "../../shared/replayVersion.js";
import { findRun, parseRunId, statusOfRun, type Run } from "../run/runs.js";
import { anyEvent, oldestEvent, sendToEvent } from "./eventWait.js";

/** Creates an event of a run, to await and send by its id. */
export async function createEvent(
  ctx: MutationCtx,
  { name, workflowId }: { name: string; workflowId: string },
) {
  const runId = parseRunId(ctx, workflowId);
  const target = { run: await findRun(ctx, runId), runId, name };
  checkName(target);
  const over = deliveryProblem(target);
  const { log } = await readConfig(ctx);
  if (over) log.warn(`${over.what} was created for ${over.why}. ${over.then}`);
  return await insertEvent(ctx, target, { state: { kind: "created" } });
}

export const sendFields = {
  eventId: v.optional(v.string()),
  name: v.optional(v.string()),
  workflowId: v.optional(v.string()),
  result: vRunResult(),
  /** Throw if the run has ended or was cleaned up, instead of logging a warning. */
  strict: v.optional(v.boolean()),
};

/**
 * Sends an event by its id or by name. By name, the wait that began first gets it. Without a wait, it becomes the
 * result of the oldest created event of that name that wasn't sent, or else a new event that is kept for the next
 * wait.
 */
export async function sendEvent(
  ctx: MutationCtx,
  { result, strict, ...args }: ObjectType<typeof sendFields>,
) {
  const target = await findTarget(ctx, args);
  const { run, event } = target;
  const { eventId, workflowId } = args;
  const isOther = workflowId !== undefined && workflowId !== target.runId;
  if (strict && eventId !== undefined && isOther)
    throw codedError(
      "EVENT_NOT_FOUND",
      `Event not found: workflow ${abbreviate(workflowId)} has no event ${abbreviate(eventId)}.`,
    );
  const outcome = sendableOutcome(target.name, result);
  const over = deliveryProblem(target);
  if (over && strict)
    throw codedError(
      over.code,
      `${over.what} can't be sent to ${over.why}.`,
      target.runId,
    );
  const config = await readConfig(ctx);
  if (run && event) await sendToEvent(ctx, run, event, outcome, config);
  if (over)
    config.log.warn(`${over.what} was sent to ${over.why}. ${over.then}`);
  if (target.eventId) return target.eventId;
  if (run && !over) await warnOfOtherName(ctx, run, target, config);
  return await insertEvent(ctx, target, {
    state: { kind: "sent", result: outcome.result, sentAt: Date.now() },
    failure: outcome.failure,
    sentByName: true,
  });
}

/** Warns if the run waits for an event with another name, because the name may be wrong. */
async function warnOfOtherName(
  ctx: MutationCtx,
  run: Run,
  { name }: Target,
  { log }: Config,
) {
  const other = await anyEvent(ctx, run._id, "waiting");
  if (other && other.name !== name)
    log.warn(
      `Event "${abbreviate(name)}" was sent to workflow ${run._id} ("${run.name}"), which waits for event ` +
        `"${abbreviate(other.name)}". It is kept until a step awaits that name.`,
    );
}

interface Target {
  run: Run | null;
  /** If the event was deleted, only its id is known. */
  runId?: Id<"workflows">;
  event?: Doc<"events"> | null;
  eventId?: Id<"events">;
  name: string;
}

/** Returns why nothing will consume the event, and whether it is kept. Undefined for a run in progress. */
function deliveryProblem({ run, runId, name }: Target) {
  const what = `Event "${abbreviate(name)}"`;
  if (!run)
    return {
      code: "WORKFLOW_NOT_FOUND" as const,
      what,
      why: `${runId ? `workflow ${runId}` : "its workflow"}: it was not found`,
      then: "It may have been cleaned up. Nothing keeps the event.",
    };
  if (!run.runResult) return undefined;
  return {
    code: "WORKFLOW_FINISHED" as const,
    what,
    why: `workflow ${run._id}: it is already ${statusOfRun(run)}`,
    then: "The event is kept until cleanup. A restart finds it.",
  };
}

/** A deleted run keeps nothing, so this returns only an id, like that of a deleted event. */
async function insertEvent(
  ctx: MutationCtx,
  { run, runId, name }: Target,
  fields: Pick<Doc<"events">, "state" | "failure" | "sentByName">,
) {
  const eventId = await ctx.db.insert("events", {
    workflowId: runId!,
    name,
    ...fields,
  });
  if (!run) await ctx.db.delete("events", eventId);
  return eventId;
}

/** The outcome as it fits into an event's row. A value that doesn't is refused. */
function sendableOutcome(name: string, result: RunResult): Outcome {
  const what = `The value of event "${abbreviate(name)}"`;
  return fittingOutcome({ result }, MAX_RESULT_BYTES, (value) => {
    const problem = recordingProblem(what, value);
    if (problem) throw invalidArgument(problem);
    return undefined;
  });
}

/** Names of runs of 0.4 may have any length. */
function checkName({ run, name }: Target) {
  const problem = nameProblem("The event's name", name);
  if (problem && !(run && isLegacy(run))) throw invalidArgument(problem);
}

/** An id alone identifies the event. As in 0.4, the name or the run passed with it may be wrong. */
async function findTarget(
  ctx: MutationCtx,
  args: { eventId?: string; name?: string; workflowId?: string },
): Promise<Target> {
  if (args.eventId !== undefined) {
    const eventId = ctx.db.normalizeId("events", args.eventId);
    if (!eventId)
      throw codedError(
        "EVENT_NOT_FOUND",
        `Event not found: ${abbreviate(args.eventId)}. Expected an id that createEvent returned.`,
      );
    const event = await ctx.db.get("events", eventId);
    if (!event) return { run: null, eventId, name: args.name ?? eventId };
    const { workflowId: runId, name } = event;
    return { run: await findRun(ctx, runId), runId, event, eventId, name };
  }
  const { name, workflowId } = args;
  if (name === undefined || workflowId === undefined)
    throw invalidArgument(
      "To send an event, give its id, or its name and the workflowId.",
    );
  const runId = parseRunId(ctx, workflowId);
  const run = await findRun(ctx, runId);
  checkName({ run, name });
  const event =
    run &&
    ((await oldestEvent(ctx, runId, name, "waiting")) ??
      (await oldestEvent(ctx, runId, name, "created")));
  return { run, runId, event, eventId: event?._id, name };
}
