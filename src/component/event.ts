import { vResult, type RunResult } from "@convex-dev/workpool";
import { v } from "convex/values";
import { shortenError, whyNotRecordable } from "../shared/storable.js";
import { MAX_NAME_LENGTH } from "../shared/limits.js";
import type { Doc } from "./_generated/dataModel.js";
import { mutation, type MutationCtx } from "./_generated/server.js";
import { readConfig } from "./config.js";
import { describeEvent, oldestEvent, sendToEvent } from "./events.js";
import { describeState, getRun, type Run } from "./runs.js";
import { vWorkpoolOptions } from "./options.js";

/** An event of a run in progress, to be awaited or sent by its id. */
export const create = mutation({
  args: { name: v.string(), workflowId: v.string() },
  returns: v.id("events"),
  handler: async (ctx, { name, workflowId }) => {
    const run = await getRun(ctx, workflowId);
    checkName(name);
    refuseFinished(run, `create event "${name}" of`);
    return await ctx.db.insert("events", {
      workflowId: run._id,
      name,
      state: { kind: "created" },
    });
  },
});

/**
 * Sends an event by its id, or by name: to the step that waited first, else to the oldest event
 * of that name that was created and not sent, else as a new one that is kept until awaited.
 */
export const send = mutation({
  args: {
    eventId: v.optional(v.string()),
    name: v.optional(v.string()),
    workflowId: v.optional(v.string()),
    result: vResult,
    workpoolOptions: v.optional(vWorkpoolOptions),
  },
  returns: v.id("events"),
  handler: async (ctx, { result, ...target }) => {
    const { run, event, name } = await findTarget(ctx, target);
    refuseFinished(run, `send event "${name}" to`);
    const storable = storableResult(name, result);
    const config = await readConfig(ctx);
    if (event) {
      await sendToEvent(ctx, run, event, storable, config);
      return event._id;
    }
    return await ctx.db.insert("events", {
      workflowId: run._id,
      name,
      state: { kind: "sent", result: storable, sentAt: Date.now() },
    });
  },
});

/** What is sent as an event's row can hold it: a long error is cut, a value that doesn't fit refused. */
function storableResult(name: string, result: RunResult): RunResult {
  if (result.kind === "failed")
    return { kind: "failed", error: shortenError(result.error) };
  if (result.kind === "canceled") return result;
  const problem = whyNotRecordable(
    `The value of event "${name}"`,
    result.returnValue,
  );
  if (problem) throw new Error(problem);
  return result;
}

function checkName(name: string) {
  if (name.length > MAX_NAME_LENGTH)
    throw new Error(
      `The event's name "${name.slice(0, 40)}…" is too long: ${name.length} characters, the maximum is ${MAX_NAME_LENGTH}.`,
    );
}

async function findTarget(
  ctx: MutationCtx,
  target: { eventId?: string; name?: string; workflowId?: string },
): Promise<{ run: Run; event: Doc<"events"> | null; name: string }> {
  const { eventId, name, workflowId } = target;
  if (eventId !== undefined) {
    const id = ctx.db.normalizeId("events", eventId);
    const event = id && (await ctx.db.get("events", id));
    if (!event)
      throw new Error(
        `Event not found: ${eventId}. Expected an id that createEvent returned, of a workflow that was not cleaned up.`,
      );
    if (name !== undefined && name !== event.name)
      throw new Error(
        `Event ${describeEvent(event)} was sent under the name "${name}".`,
      );
    if (workflowId !== undefined && workflowId !== event.workflowId)
      throw new Error(
        `Event ${describeEvent(event)} does not belong to workflow ${workflowId}.`,
      );
    return {
      run: await getRun(ctx, event.workflowId),
      event,
      name: event.name,
    };
  }
  if (name === undefined || workflowId === undefined)
    throw new Error(
      "To send an event, give its id, or its name and the workflowId.",
    );
  checkName(name);
  const run = await getRun(ctx, workflowId);
  const event =
    (await oldestEvent(ctx, run._id, name, "waiting")) ??
    (await oldestEvent(ctx, run._id, name, "created"));
  return { run, event, name };
}

function refuseFinished(run: Run, doing: string) {
  if (run.runResult)
    throw new Error(
      `Can't ${doing} workflow ${run._id}: it is ${describeState(run)}.`,
    );
}
