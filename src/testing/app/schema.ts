import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** The effects of steps. Each committed execution writes one row. */
  effects: defineTable({ key: v.string(), value: v.any() }).index("key", [
    "key",
  ]),
  ended: defineTable({
    workflowId: v.string(),
    result: v.any(),
    context: v.any(),
  }),
});
