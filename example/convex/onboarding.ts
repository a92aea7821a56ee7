// A new user's first days. This one function replaces a state machine spread over a table, webhooks
// and cron jobs. It has a retried action, a child that runs until its text is good, a mutation inside
// the workflow's own transaction (`inline`), an event that a person sends, a sleep of three days, and
// follow-ups at set times (`runAt`).
//
//   npx convex run onboarding:start '{ "name": "Ada" }'
//   npx convex run onboarding:verifyEmail '{ "workflowId": "<the id that printed>" }'
import {
  defineEvent,
  vWorkflowId,
  type WorkflowId,
} from "@convex-dev/workflow";
import { v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import {
  internalAction,
  internalMutation,
  internalQuery,
} from "./_generated/server.js";
import { manage } from "./manage.js";
import { callService } from "./services.js";
import { workflow } from "./workflow.js";

const DAY_MS = 24 * 60 * 60 * 1000;

const FOLLOW_UPS = [
  { afterDays: 1, subject: "Invite your team" },
  { afterDays: 4, subject: "Five things to try" },
];

const emailVerified = defineEvent({
  name: "emailVerified",
  validator: v.object({ email: v.string() }),
});

const vDraft = v.object({
  text: v.string(),
  round: v.number(),
  accepted: v.boolean(),
});
type Draft = Infer<typeof vDraft>;

export const onboarding = workflow
  .define({
    args: {
      userId: v.id("users"),
      /** How long a day is. */
      dayMs: v.number(),
      /** How often the writing service is down. */
      outages: v.number(),
    },
    returns: v.object({ email: v.string(), rounds: v.number() }),
  })
  .handler(async (step, { userId, dayMs, outages }) => {
    const name = await step.runQuery(internal.onboarding.nameOf, { userId });
    let draft: Draft = await step.runAction(
      internal.onboarding.write,
      { workflowId: step.workflowId, name, outages },
      { retry: { maxAttempts: 4, initialBackoffMs: 200, base: 2 } },
    );
    while (!draft.accepted)
      draft = await step.runWorkflow(internal.onboarding.refine, { draft });

    await step.runMutation(
      internal.onboarding.send,
      { userId, subject: draft.text },
      { inline: true },
    );
    const { email } = await step.awaitEvent(emailVerified);
    await step.sleep(3 * dayMs, { name: "three days to look around" });

    const now = Date.now();
    await Promise.all(
      FOLLOW_UPS.map(({ afterDays, subject }) =>
        step.runMutation(
          internal.onboarding.send,
          { userId, subject },
          { name: subject, runAt: now + afterDays * dayMs },
        ),
      ),
    );
    return { email, rounds: draft.round };
  });

/** A child: the other workflow runs this one as a step. */
export const refine = workflow
  .define({ args: { draft: vDraft }, returns: vDraft })
  .handler(async (step, { draft }): Promise<Draft> => {
    const advice = await step.runAction(internal.onboarding.review, { draft });
    return await step.runAction(internal.onboarding.rewrite, { draft, advice });
  });

// The steps are ordinary functions.

export const nameOf = internalQuery({
  args: { userId: v.id("users") },
  returns: v.string(),
  handler: async (ctx, { userId }) => {
    const user = await ctx.db.get("users", userId);
    if (!user) throw new Error(`No user ${userId}`);
    return user.name;
  },
});

/** Stands for a language model that writes a first draft. */
export const write = internalAction({
  args: { workflowId: vWorkflowId, name: v.string(), outages: v.number() },
  returns: vDraft,
  handler: async (ctx, { workflowId, name, outages }): Promise<Draft> => {
    await callService(ctx, `write ${workflowId}`, { outages });
    return { text: `Welcome, ${name}`, round: 0, accepted: false };
  },
});

export const review = internalAction({
  args: { draft: vDraft },
  returns: v.string(),
  handler: async (_ctx, { draft }) =>
    draft.round === 0 ? "Sound glad" : "Sound gladder",
});

export const rewrite = internalAction({
  args: { draft: vDraft, advice: v.string() },
  returns: vDraft,
  handler: async (_ctx, { draft }) => {
    const round = draft.round + 1;
    return { text: `${draft.text}!`, round, accepted: round === 2 };
  },
});

/** Stands for sending mail. */
export const send = internalMutation({
  args: { userId: v.id("users"), subject: v.string() },
  returns: v.null(),
  handler: async (ctx, mail) => {
    await ctx.db.insert("mails", mail);
    return null;
  },
});

// Your app calls these functions.

export const start = internalMutation({
  args: {
    name: v.string(),
    /** Default: 24 hours. */
    dayMs: v.optional(v.number()),
    /** Default: 1. */
    outages: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, { name, dayMs, outages }): Promise<WorkflowId> => {
    const userId = await ctx.db.insert("users", { name });
    return await workflow.start(ctx, internal.onboarding.onboarding, {
      userId,
      dayMs: dayMs ?? DAY_MS,
      outages: outages ?? 1,
    });
  },
});

/** The link in the mail would call this. If the event arrives before the run waits for it, it is kept. */
export const verifyEmail = internalMutation({
  args: { workflowId: vWorkflowId, email: v.optional(v.string()) },
  returns: v.null(),
  handler: async (ctx, { workflowId, email }) => {
    await workflow.sendEvent(ctx, {
      ...emailVerified,
      workflowId,
      value: { email: email ?? "ada@example.com" },
    });
    return null;
  },
});

export const { status, steps, list, cancel, restart, cleanup } = manage(
  "onboarding:onboarding",
);
