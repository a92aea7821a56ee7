import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  users: defineTable({ name: v.string(), email: v.string() }).index("name", [
    "name",
  ]),
  emails: defineTable({ to: v.string(), text: v.string() }),
  greetings: defineTable({ name: v.string(), text: v.string() }),
  charges: defineTable({ order: v.string(), attempts: v.number() }).index(
    "order",
    ["order"],
  ),
});
