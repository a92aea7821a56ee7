// Asks two providers for a price in parallel, and takes the first that has one. It uses `Promise.any`,
// because in a `Promise.race` a provider that fails first would win too. The race with a sleep limits
// the time for both. The loser isn't stopped. Its action finishes and is recorded, but the run ignores
// its result.
//
//   npx convex run race:start '{ "flight": "LIS-OSL" }'
import { vWorkflowId, type WorkflowId } from "@convex-dev/workflow";
import { v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalAction, internalMutation } from "./_generated/server.js";
import { manage } from "./manage.js";
import { callService } from "./services.js";
import { workflow } from "./workflow.js";

const vProvider = v.object({
  name: v.string(),
  price: v.number(),
  takesMs: v.number(),
  isDown: v.optional(v.boolean()),
});
const vOffer = v.object({ provider: v.string(), price: v.number() });
type Offer = Infer<typeof vOffer>;

export const race = workflow
  .define({
    args: {
      flight: v.string(),
      providers: v.array(vProvider),
      withinMs: v.number(),
    },
    returns: v.union(vOffer, v.null()),
  })
  .handler(async (step, args): Promise<Offer | null> => {
    const offers = args.providers.map((provider) =>
      step.runAction(
        internal.race.ask,
        { workflowId: step.workflowId, flight: args.flight, provider },
        { name: `ask ${provider.name}` },
      ),
    );
    const offer = await Promise.race([
      // All failed, so there is no offer.
      Promise.any(offers).catch(() => null),
      step.sleep(args.withinMs, { name: "too late" }).then(() => null),
    ]);
    if (offer)
      await step.runMutation(internal.race.save, {
        flight: args.flight,
        ...offer,
      });
    return offer;
  });

/** Stands for the services of two companies. */
export const ask = internalAction({
  args: {
    workflowId: vWorkflowId,
    flight: v.string(),
    provider: vProvider,
  },
  returns: vOffer,
  handler: async (ctx, { workflowId, flight, provider }): Promise<Offer> => {
    const { name, price, takesMs, isDown } = provider;
    await callService(ctx, `${name} ${flight} ${workflowId}`, {
      takesMs,
      outages: isDown ? Infinity : 0,
    });
    return { provider: name, price };
  },
});

export const save = internalMutation({
  args: { flight: v.string(), ...vOffer.fields },
  returns: v.null(),
  handler: async (ctx, offer) => {
    await ctx.db.insert("offers", offer);
    return null;
  },
});

const PROVIDERS = [
  { name: "Swift", price: 180, takesMs: 500 },
  { name: "Thrifty", price: 120, takesMs: 2000 },
];

export const start = internalMutation({
  args: {
    flight: v.string(),
    /** Default: two providers, one of them faster. */
    providers: v.optional(v.array(vProvider)),
    /** Default: 10 seconds. */
    withinMs: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, args): Promise<WorkflowId> =>
    await workflow.start(ctx, internal.race.race, {
      flight: args.flight,
      providers: args.providers ?? PROVIDERS,
      withinMs: args.withinMs ?? 10_000,
    }),
});

export const { status, steps, list, cancel, restart, cleanup } =
  manage("race:race");
