import { vEventId, vWorkflowId } from "@convex-dev/workflow";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  // example.ts, welcome.ts: one row a greeting.
  greetings: defineTable({ name: v.string(), text: v.string() }).index("name", [
    "name",
  ]),

  // services.ts: how often each service has been called.
  attempts: defineTable({ service: v.string(), count: v.number() }).index(
    "service",
    ["service"],
  ),

  // approval.ts: one row an expense that somebody has to approve.
  expenses: defineTable({
    title: v.string(),
    state: v.union(
      v.literal("submitted"),
      v.literal("waiting"),
      v.literal("approved"),
      v.literal("rejected"),
      v.literal("expired"),
      v.literal("withdrawn"),
    ),
  }),

  // trip.ts: one row a booking.
  bookings: defineTable({ what: v.string(), price: v.number() }),

  // onboarding.ts: who has signed up, and one row a mail.
  users: defineTable({ name: v.string() }),
  mails: defineTable({ userId: v.id("users"), subject: v.string() }).index(
    "userId",
    ["userId"],
  ),

  // signals.ts: one row a question, with the event that its answer is.
  questions: defineTable({
    workflowId: vWorkflowId,
    question: v.string(),
    answerId: vEventId("answer"),
  }).index("workflowId", ["workflowId"]),

  // fanOut.ts: one row a shop.
  sales: defineTable({ name: v.string(), sales: v.number() }),

  // transcription.ts: one row a recording.
  transcripts: defineTable({ file: v.string(), text: v.string() }),

  // booking.ts: one row an item that a company holds, or held, for a run.
  reservations: defineTable({
    workflowId: vWorkflowId,
    item: v.string(),
    state: v.union(v.literal("held"), v.literal("released")),
  }).index("workflowId", ["workflowId", "state"]),

  // batch.ts: one row an item that is done; without a value if it was not wanted.
  items: defineTable({
    workflowId: vWorkflowId,
    item: v.number(),
    value: v.union(v.number(), v.null()),
  }).index("workflowId", ["workflowId"]),

  // subscription.ts: one row a subscription, with the run that renews it.
  subscriptions: defineTable({
    customer: v.string(),
    state: v.union(v.literal("active"), v.literal("ended")),
    renewals: v.number(),
    /** After how many it ends. Absent: never. */
    months: v.optional(v.number()),
    workflowId: v.optional(vWorkflowId),
  }),

  // race.ts: one row an offer.
  offers: defineTable({
    flight: v.string(),
    provider: v.string(),
    price: v.number(),
  }),
});
