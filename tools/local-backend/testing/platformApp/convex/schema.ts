import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  rows: defineTable({ key: v.string(), value: v.any() }).index("key", ["key"]),
});
