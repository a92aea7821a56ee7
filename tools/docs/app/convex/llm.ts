// Stands for a language model.
import { v } from "convex/values";
import { internalAction } from "./_generated/server.js";

export const write = internalAction({
  args: { about: v.string() },
  returns: v.string(),
  handler: async (_ctx, { about }) => `A text about ${about}`,
});
