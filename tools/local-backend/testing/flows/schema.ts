import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** What steps did, in order. */
  effects: defineTable({ value: v.any() }),
});
