// Mail that is only stored in a table.
import { v } from "convex/values";
import { internalMutation, internalQuery } from "./_generated/server.js";

export const send = internalMutation({
  args: { to: v.string(), text: v.string() },
  returns: v.null(),
  handler: async (ctx, mail) => {
    await ctx.db.insert("emails", mail);
    return null;
  },
});

/** Returns the texts of all mail. */
export const sent = internalQuery({
  args: {},
  returns: v.array(v.string()),
  handler: async (ctx) => {
    const mails = await ctx.db.query("emails").collect();
    return mails.map(({ text }) => text);
  },
});
