import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** What steps did: one row for each execution that committed. */
  effects: defineTable({ key: v.string(), value: v.any() }).index("key", [
    "key",
  ]),
  ended: defineTable({
    workflowId: v.string(),
    result: v.any(),
    context: v.any(),
  }),
});
