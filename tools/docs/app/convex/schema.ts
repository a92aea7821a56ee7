import { vWorkflowId } from "@convex-dev/workflow";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  users: defineTable({ name: v.string(), email: v.string() }).index("name", [
    "name",
  ]),
  emails: defineTable({ to: v.string(), text: v.string() }),
  reports: defineTable({ workflowId: vWorkflowId, owner: v.string() }).index(
    "workflowId",
    ["workflowId"],
  ),
  invoices: defineTable({ month: v.string(), workflowId: vWorkflowId }).index(
    "month",
    ["month"],
  ),
  progress: defineTable({ workflowId: vWorkflowId, done: v.number() }).index(
    "workflowId",
    ["workflowId"],
  ),
  greetings: defineTable({ name: v.string(), text: v.string() }),
  charges: defineTable({ order: v.string(), attempts: v.number() }).index(
    "order",
    ["order"],
  ),
});
