// A questionnaire that asks one question at a time, with an event by id in a loop. Each question has
// its own event id. So an answer that arrives twice or too late can't answer the next question, as it
// could by name. To answer, you need only that id.
//
//   npx convex run signals:start '{ "questions": ["Tea or coffee?", "Milk?"] }'
//   npx convex run signals:open '{ "workflowId": "<the id that printed>" }'
//   npx convex run signals:answer '{ "answerId": "<the id in it>", "text": "Tea" }'
import {
  vEventId,
  vWorkflowId,
  type EventId,
  type WorkflowId,
} from "@convex-dev/workflow";
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation, internalQuery } from "./_generated/server.js";
import { manage } from "./manage.js";
import { workflow } from "./workflow.js";

const vAnswerId = vEventId("answer");
const vAnswer = v.string();

export const questionnaire = workflow
  .define({
    args: { questions: v.array(v.string()) },
    returns: v.array(vAnswer),
  })
  .handler(async (step, { questions }): Promise<string[]> => {
    const answers: string[] = [];
    for (const question of questions) {
      const answerId = await step.runMutation(internal.signals.ask, {
        workflowId: step.workflowId,
        question,
      });
      answers.push(await step.awaitEvent({ id: answerId, validator: vAnswer }));
    }
    return answers;
  });

/** Creates the event and stores its id for the sender. */
export const ask = internalMutation({
  args: { workflowId: vWorkflowId, question: v.string() },
  returns: vAnswerId,
  handler: async (
    ctx,
    { workflowId, question },
  ): Promise<EventId<"answer">> => {
    const answerId = await workflow.createEvent(ctx, {
      name: "answer",
      workflowId,
    });
    await ctx.db.insert("questions", { workflowId, question, answerId });
    return answerId;
  },
});

/** Sends the event. Throws if the question was already answered. */
export const answer = internalMutation({
  args: { answerId: vAnswerId, text: vAnswer },
  returns: v.null(),
  handler: async (ctx, { answerId, text }) => {
    await workflow.sendEvent(ctx, {
      id: answerId,
      validator: vAnswer,
      value: text,
    });
    return null;
  },
});

/** The question that a run asked last. */
export const open = internalQuery({
  args: { workflowId: vWorkflowId },
  returns: v.union(
    v.object({ question: v.string(), answerId: vAnswerId }),
    v.null(),
  ),
  handler: async (ctx, { workflowId }) => {
    const asked = await ctx.db
      .query("questions")
      .withIndex("workflowId", (q) => q.eq("workflowId", workflowId))
      .order("desc")
      .first();
    return asked && { question: asked.question, answerId: asked.answerId };
  },
});

export const start = internalMutation({
  args: { questions: v.array(v.string()) },
  returns: vWorkflowId,
  handler: async (ctx, { questions }): Promise<WorkflowId> =>
    await workflow.start(ctx, internal.signals.questionnaire, { questions }),
});

export const { status, steps, list, cancel, restart, cleanup } = manage(
  "signals:questionnaire",
);
