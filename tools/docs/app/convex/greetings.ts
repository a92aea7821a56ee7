import { v } from "convex/values";
import { internalQuery } from "./_generated/server.js";

export const forName = internalQuery({
  args: { name: v.string() },
  returns: v.string(),
  handler: async (_ctx, { name }) => `Hello, ${name}!`,
});
