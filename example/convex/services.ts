// Stands for the services of other companies. They take a while, and sometimes they are down.
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation, type ActionCtx } from "./_generated/server.js";

/**
 * Calls a service that is down for the first `outages` calls.
 *
 * @param service Calls with the same name are counted together.
 */
export async function callService(
  ctx: ActionCtx,
  service: string,
  { outages = 0, takesMs = 0 }: { outages?: number; takesMs?: number },
): Promise<void> {
  const call: number = await ctx.runMutation(internal.services.countCall, {
    service,
  });
  if (takesMs > 0) await new Promise((resolve) => setTimeout(resolve, takesMs));
  if (call <= outages) throw new Error(`The service is down (attempt ${call})`);
}

export const countCall = internalMutation({
  args: { service: v.string() },
  returns: v.number(),
  handler: async (ctx, { service }) => {
    const attempts = await ctx.db
      .query("attempts")
      .withIndex("service", (q) => q.eq("service", service))
      .unique();
    const count = (attempts?.count ?? 0) + 1;
    if (attempts) await ctx.db.patch("attempts", attempts._id, { count });
    else await ctx.db.insert("attempts", { service, count });
    return count;
  },
});
