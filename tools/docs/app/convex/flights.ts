// Stands for services that return a price.
import { v } from "convex/values";
import { internalAction } from "./_generated/server.js";

const PRICES: Record<string, number> = { air: 120, sky: 95, slow: 80 };

/** The service called `slow` takes a minute. */
export const price = internalAction({
  args: { flight: v.string(), service: v.string() },
  returns: v.number(),
  handler: async (_ctx, { flight, service }) => {
    if (service === "slow")
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    const found = PRICES[service];
    if (found === undefined) throw new Error(`No ${flight} at ${service}`);
    return found;
  },
});
