import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

const ofStep = { run: v.string(), key: v.string() };

export default defineSchema({
  /** What mutation steps did: one row each time that one committed. */
  effects: defineTable(ofStep).index("run", ["run"]),
  /** One row each time that an action step was started. */
  attempts: defineTable(ofStep).index("run", ["run"]),
  /** Calls of `onComplete`. */
  endings: defineTable({
    workflowId: v.string(),
    result: v.any(),
    run: v.string(),
  }).index("run", ["run"]),
});
