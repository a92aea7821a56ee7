import { codedError } from "../../shared/errors.js";
import { MAX_ROW_BYTES } from "../../shared/limits.js";
import { toOutcome, type Outcome } from "../../shared/outcome.js";
import { abbreviate, fitError, sizeOf } from "../../shared/storable.js";
import type { Doc, Id } from "../../component/_generated/dataModel.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
import type { Config } from "../platform/config.js";
import { awaitedRow, recordResult, withResult } from "./completing.js";
import { generationOf, type Run, type StepRow } from "../run/runs.js";
import { cancelScheduled, startTimer } from "../platform/scheduler.js";

type EventRow = Doc<"events">;
type EventKind = EventRow["state"]["kind"];

/** Returns the oldest event with a name and a state. For `waiting`, returns the one whose wait began first. */
export async function oldestEvent(
  ctx: QueryCtx,
  workflowId: Id<"workflows">,
  name: string,
  kind: EventKind,
): Promise<EventRow | null> {
  return await ctx.db
    .query("events")
    .withIndex("name", (q) =>
      q.eq("workflowId", workflowId).eq("name", name).eq("state.kind", kind),
    )
    .first();
}

export async function anyEvent(
  ctx: QueryCtx,
  workflowId: Id<"workflows">,
  kind: EventKind,
): Promise<EventRow | null> {
  return await ctx.db
    .query("events")
    .withIndex("workflowId_state", (q) =>
      q.eq("workflowId", workflowId).eq("state.kind", kind),
    )
    .first();
}

const describeEvent = (event: EventRow) =>
  `${event._id} (name "${abbreviate(event.name)}") of workflow ${event.workflowId}`;

/**
 * Lets an event step consume its event now if it was sent, or else when it is sent. Writes the step's row. An id that
 * can't be awaited fails the step.
 */
export async function startEventWait(
  ctx: MutationCtx,
  run: Run,
  row: StepRow,
  config: Config,
) {
  const { step, timeoutMs } = row;
  if (step.kind !== "event") return;
  const { name } = step;
  const { eventId } = step.args;
  const found = await findEventToAwait(ctx, run, name, eventId);
  const now = Date.now();
  if (typeof found === "string") {
    const error = fitError(found, MAX_ROW_BYTES - sizeOf(step.args));
    row.step = withResult(step, { kind: "failed", error });
  } else if (found?.state.kind === "sent") {
    const { result, sentAt } = found.state;
    const outcome = toOutcome(result, found.failure);
    await consume(ctx, run, found, row, { waitingAt: now, sentAt }, config);
    row.step = withResult({ ...step, eventId: found._id }, outcome.result);
    row.failure = outcome.failure;
  } else {
    const waiting = {
      state: { kind: "waiting" as const, waitingAt: now, stepId: row._id },
      waiter: row.stepNumber,
    };
    if (found) await ctx.db.patch("events", found._id, waiting);
    const own = { workflowId: run._id, name, createdByWait: true };
    const id =
      found?._id ?? (await ctx.db.insert("events", { ...own, ...waiting }));
    row.step = { ...step, eventId: id };
    const execution = { ...generationOf(run), stepNumber: row.stepNumber };
    if (timeoutMs !== undefined)
      row.timer = await startTimer(ctx, execution, now + timeoutMs);
    else if (eventId === undefined)
      await warnOfOtherNames(ctx, run, row, config);
  }
  const { failure, timer } = row;
  await ctx.db.patch("steps", row._id, { step: row.step, failure, timer });
}

/** Warns if the run was sent only events with other names, because the name may be wrong. The step still waits. */
async function warnOfOtherNames(
  ctx: MutationCtx,
  run: Run,
  { stepNumber, step: { name } }: Pick<StepRow, "stepNumber" | "step">,
  { log }: Config,
) {
  const other = await anyEvent(ctx, run._id, "sent");
  if (other && other.name !== name)
    log.warn(
      `Step ${stepNumber} of workflow ${run._id} ("${run.name}") waits for event "${abbreviate(name)}", which was not ` +
        `sent, while event "${abbreviate(other.name)}" was sent and no step awaits it.`,
    );
}

/** Returns an event that was sent or can be sent, null if one must be inserted, or why the request is refused. */
async function findEventToAwait(
  ctx: QueryCtx,
  run: Run,
  name: string,
  eventId: string | undefined,
): Promise<EventRow | null | string> {
  if (eventId === undefined)
    return (
      (await oldestEvent(ctx, run._id, name, "sent")) ??
      (await oldestEvent(ctx, run._id, name, "created"))
    );
  const id = ctx.db.normalizeId("events", eventId);
  const event = id && (await ctx.db.get("events", id));
  if (!event)
    return `Event not found: ${abbreviate(eventId)}. Workflow ${run._id} awaited an id that no createEvent call returned, or whose event was cleaned up.`;
  if (event.workflowId !== run._id)
    return `Event ${describeEvent(event)} can't be awaited by workflow ${run._id}: it belongs to the other one.`;
  if (event.state.kind === "waiting")
    return `Event already waiting: ${describeEvent(event)}. An event id can be awaited once.`;
  if (event.state.kind === "consumed")
    return `Event already consumed: ${describeEvent(event)}. An event id can be awaited once.`;
  return event;
}

async function consume(
  ctx: MutationCtx,
  run: Run,
  event: EventRow,
  { _id: stepId, stepNumber }: Pick<StepRow, "_id" | "stepNumber">,
  { waitingAt, sentAt }: { waitingAt: number; sentAt: number },
  config: Config,
) {
  const consumedAt = Date.now();
  await ctx.db.patch("events", event._id, {
    state: { kind: "consumed", waitingAt, sentAt, consumedAt, stepId },
    waiter: undefined,
    failure: undefined,
  });
  config.log.event("eventConsumed", {
    workflowId: run._id,
    workflowName: run.name,
    eventId: event._id,
    eventName: event.name,
    name: event.name,
    stepId,
    stepNumber,
    status: "consumed",
    durationMs: consumedAt - waitingAt,
  });
}

/** Sets the result of `event`. The waiting step consumes it, or it is kept for the next wait. */
export async function sendToEvent(
  ctx: MutationCtx,
  run: Run,
  event: EventRow,
  outcome: Outcome,
  config: Config,
) {
  const { state } = event;
  if (state.kind === "sent" || state.kind === "consumed")
    throw codedError(
      state.kind === "sent" ? "EVENT_ALREADY_SENT" : "EVENT_ALREADY_CONSUMED",
      `Event already ${state.kind}: ${describeEvent(event)}. An event id can be sent once.`,
      run._id,
    );
  const sentAt = Date.now();
  // A finished run consumes nothing, and a restart may be about to delete the wait.
  const canConsume =
    state.kind === "waiting" && !(run.runResult || run.restarting);
  const waiter = canConsume ? await ctx.db.get("steps", state.stepId) : null;
  const awaited = await awaitedRow(ctx, waiter, run.generationNumber);
  if (!awaited || !canConsume)
    return await ctx.db.patch("events", event._id, {
      state: { kind: "sent", result: outcome.result, sentAt },
      waiter: undefined,
      failure: outcome.failure,
    });
  const { waitingAt } = state;
  await consume(ctx, run, event, awaited.row, { waitingAt, sentAt }, config);
  if (awaited.row.timer)
    await cancelScheduled(ctx, awaited.row.timer.scheduledId);
  await recordResult(ctx, awaited, outcome, config);
}

/** Returns a step's event if it exists and belongs to that step. */
async function ownEvent(ctx: MutationCtx, { _id, step }: StepRow) {
  if (step.kind !== "event" || !step.eventId) return null;
  const event = await ctx.db.get("events", step.eventId);
  if (!event) return null;
  const { state } = event;
  const isOwn = "stepId" in state ? state.stepId === _id : step.inProgress;
  return isOwn ? event : null;
}

/** Withdraws a step's wait. Later events are kept for the next wait. */
export async function withdrawWait(ctx: MutationCtx, row: StepRow) {
  const event = await ownEvent(ctx, row);
  if (event?.state.kind === "waiting") await makeCreated(ctx, event);
}

/**
 * Undoes a step's use of its event. If the step inserted the event, it is deleted. Otherwise it returns to its
 * earlier state, so that it can be sent and awaited again by its id.
 */
export async function undoWait(ctx: MutationCtx, row: StepRow) {
  const event = await ownEvent(ctx, row);
  // The event was sent after the wait was withdrawn, so it is kept for another step.
  if (!event || event.state.kind === "sent") return;
  if (event.createdByWait || event.sentByName)
    await ctx.db.delete("events", event._id);
  else await makeCreated(ctx, event);
}

async function makeCreated(ctx: MutationCtx, event: EventRow) {
  if (event.state.kind !== "created")
    await ctx.db.patch("events", event._id, {
      state: { kind: "created" },
      waiter: undefined,
    });
}
