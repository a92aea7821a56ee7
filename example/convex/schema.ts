import { vWorkflowId } from "@convex-dev/workflow";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  // example.ts, welcome.ts: one row a greeting.
  greetings: defineTable({ name: v.string(), text: v.string() }).index("name", [
    "name",
  ]),

  // example.ts: how often the action of a run has been tried.
  attempts: defineTable({
    workflowId: vWorkflowId,
    count: v.number(),
  }).index("workflowId", ["workflowId"]),

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
});
