import { v } from "convex/values";
import { internalQuery } from "./_generated/server.js";

/** Returns a made-up address for any user. */
export const emailOf = internalQuery({
  args: { name: v.string() },
  returns: v.string(),
  handler: async (_ctx, { name }) => `${name.toLowerCase()}@example.com`,
});
