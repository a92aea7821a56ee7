import { v } from "convex/values";
import { internalQuery } from "./_generated/server.js";

/** Everybody has an address. */
export const emailOf = internalQuery({
  args: { name: v.string() },
  returns: v.string(),
  handler: async (_ctx, { name }) => `${name.toLowerCase()}@example.com`,
});
