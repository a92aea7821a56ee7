import { vEventId, vWorkflowId } from "@convex-dev/workflow";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  // example.ts, welcome.ts: one row for each greeting.
  greetings: defineTable({ name: v.string(), text: v.string() }).index("name", [
    "name",
  ]),

  // services.ts: how often each service was called.
  attempts: defineTable({ service: v.string(), count: v.number() }).index(
    "service",
    ["service"],
  ),

  // approval.ts: one row for each expense that somebody has to approve.
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

  // trip.ts: one row for each booking.
  bookings: defineTable({ what: v.string(), price: v.number() }),

  // onboarding.ts: the users who signed up, and one row for each mail.
  users: defineTable({ name: v.string() }),
  mails: defineTable({ userId: v.id("users"), subject: v.string() }).index(
    "userId",
    ["userId"],
  ),

  // signals.ts: one row for each question, with the event of its answer.
  questions: defineTable({
    workflowId: vWorkflowId,
    question: v.string(),
    answerId: vEventId("answer"),
  }).index("workflowId", ["workflowId"]),

  // fanOut.ts: one row for each shop.
  sales: defineTable({ name: v.string(), sales: v.number() }),

  // transcription.ts: one row for each recording.
  transcripts: defineTable({ file: v.string(), text: v.string() }),

  // booking.ts: one row for each item that a company reserves, or reserved, for a run.
  reservations: defineTable({
    workflowId: vWorkflowId,
    item: v.string(),
    state: v.union(v.literal("held"), v.literal("released")),
  }).index("workflowId", ["workflowId", "state"]),

  // batch.ts: one row for each item that is done, without a value if it was skipped.
  items: defineTable({
    workflowId: vWorkflowId,
    item: v.number(),
    value: v.union(v.number(), v.null()),
  }).index("workflowId", ["workflowId"]),

  // subscription.ts: one row for each subscription, with the run that renews it.
  subscriptions: defineTable({
    customer: v.string(),
    state: v.union(v.literal("active"), v.literal("ended")),
    renewals: v.number(),
    /** Ends after this many months. Absent: never. */
    months: v.optional(v.number()),
    workflowId: v.optional(vWorkflowId),
  }),

  // race.ts: one row for each offer.
  offers: defineTable({
    flight: v.string(),
    provider: v.string(),
    price: v.number(),
  }),
});
