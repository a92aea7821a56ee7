import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** The effects of steps, in order. */
  effects: defineTable({ value: v.any() }),
});
