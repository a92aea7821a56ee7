// A pipeline over an unreliable service. It splits a recording, transcribes the parts in parallel,
// retries each on its own, and joins the texts. If no retry can help, the action throws a
// `NonRetryableError`, so the step fails at its first attempt and the run fails too.
//
//   npx convex run transcription:start '{ "file": "interview.mp3" }'
//   npx convex run transcription:start '{ "file": "holiday.jpg" }'
import {
  NonRetryableError,
  vWorkflowId,
  type WorkflowId,
} from "@convex-dev/workflow";
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalAction, internalMutation } from "./_generated/server.js";
import { manage } from "./manage.js";
import { callService } from "./services.js";
import { workflow } from "./workflow.js";

const SECONDS_PER_PART = 30;

const vPart = v.object({ file: v.string(), fromSecond: v.number() });

export const transcription = workflow
  .define({
    args: {
      file: v.string(),
      /** How often the service is down for each part. */
      outages: v.number(),
    },
    returns: v.string(),
    // For all actions of this workflow, unless a step has its own `retry`.
    workpoolOptions: {
      retryActionsByDefault: true,
      defaultRetryBehavior: { maxAttempts: 4, initialBackoffMs: 200, base: 2 },
    },
  })
  .handler(async (step, { file, outages }): Promise<string> => {
    const seconds = await step.runAction(internal.transcription.measure, {
      file,
    });
    const parts = [];
    for (let from = 0; from < seconds; from += SECONDS_PER_PART)
      parts.push({ file, fromSecond: from });

    const texts = await Promise.all(
      parts.map((part, index) =>
        step.runAction(
          internal.transcription.transcribe,
          // Not every part fails as often.
          { workflowId: step.workflowId, part, outages: index % (outages + 1) },
          { name: `transcribe from ${part.fromSecond} s` },
        ),
      ),
    );
    const text = texts.join(" ");
    await step.runMutation(internal.transcription.save, { file, text });
    return text;
  });

/** Checks the file. If it isn't a recording, a retry can't help. */
export const measure = internalAction({
  args: { file: v.string() },
  returns: v.number(),
  handler: async (_ctx, { file }) => {
    if (!file.endsWith(".mp3"))
      throw new NonRetryableError(`${file} is no recording`);
    return 150;
  },
});

/** Stands for a speech-to-text service. */
export const transcribe = internalAction({
  args: { workflowId: vWorkflowId, part: vPart, outages: v.number() },
  returns: v.string(),
  handler: async (ctx, { workflowId, part, outages }): Promise<string> => {
    await callService(ctx, `${workflowId} from ${part.fromSecond} s`, {
      outages,
    });
    return `(what was said from second ${part.fromSecond})`;
  },
});

export const save = internalMutation({
  args: { file: v.string(), text: v.string() },
  returns: v.null(),
  handler: async (ctx, transcript) => {
    await ctx.db.insert("transcripts", transcript);
    return null;
  },
});

export const start = internalMutation({
  args: {
    file: v.string(),
    /** Default: 2. */
    outages: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, { file, outages }): Promise<WorkflowId> =>
    await workflow.start(ctx, internal.transcription.transcription, {
      file,
      outages: outages ?? 2,
    }),
});

export const { status, steps, list, cancel, restart, cleanup } = manage(
  "transcription:transcription",
);
