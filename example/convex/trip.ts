// A workflow made of workflows. Each child is one step of its parent. Both run in parallel, and each
// return value has the type of the child's `returns`. If you cancel or clean up the parent, the same
// happens to its children.
//
//   npx convex run trip:start '{ "city": "Lisbon", "nights": 3 }'
import { vWorkflowId, type WorkflowId } from "@convex-dev/workflow";
import { v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { manage } from "./manage.js";
import { workflow } from "./workflow.js";

const vFlight = v.object({ seat: v.string(), price: v.number() });
const vHotel = v.object({ room: v.string(), price: v.number() });

export const planTrip = workflow
  .define({
    args: {
      city: v.string(),
      nights: v.number(),
      confirmAfterMs: v.number(),
    },
    returns: v.object({ flight: vFlight, hotel: vHotel, total: v.number() }),
  })
  .handler(async (step, { city, nights, confirmAfterMs }) => {
    const [flight, hotel] = await Promise.all([
      step.runWorkflow(internal.trip.bookFlight, { city }),
      step.runWorkflow(internal.trip.bookHotel, {
        city,
        nights,
        confirmAfterMs,
      }),
    ]);
    return { flight, hotel, total: flight.price + hotel.price };
  });

export const bookFlight = workflow
  .define({ args: { city: v.string() }, returns: vFlight })
  .handler(async (step, { city }): Promise<Infer<typeof vFlight>> => {
    const price = 120;
    await step.runMutation(internal.trip.book, {
      what: `flight to ${city}`,
      price,
    });
    return { seat: "14A", price };
  });

export const bookHotel = workflow
  .define({
    args: {
      city: v.string(),
      nights: v.number(),
      confirmAfterMs: v.number(),
    },
    returns: vHotel,
  })
  .handler(async (step, args): Promise<Infer<typeof vHotel>> => {
    const price = 80 * args.nights;
    await step.runMutation(internal.trip.book, {
      what: `hotel in ${args.city}`,
      price,
    });
    await step.sleep(args.confirmAfterMs, { name: "hotel confirms" });
    return { room: "207", price };
  });

export const book = internalMutation({
  args: { what: v.string(), price: v.number() },
  returns: v.null(),
  handler: async (ctx, booking) => {
    await ctx.db.insert("bookings", booking);
    return null;
  },
});

export const start = internalMutation({
  args: {
    city: v.string(),
    nights: v.number(),
    /** How long the hotel takes to confirm. Default: 5 seconds. */
    confirmAfterMs: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, args): Promise<WorkflowId> =>
    await workflow.start(ctx, internal.trip.planTrip, {
      ...args,
      confirmAfterMs: args.confirmAfterMs ?? 5000,
    }),
});

/** Books the hotel once more and keeps the flight. You can name a step by its function. */
export const restart = internalMutation({
  args: { workflowId: vWorkflowId },
  returns: v.null(),
  handler: async (ctx, { workflowId }) => {
    await workflow.restart(ctx, workflowId, { from: internal.trip.bookHotel });
    return null;
  },
});

/** In a status, the running steps have the ids of the children. Get their status in the same way. */
export const { status, steps, list, cancel, cleanup } = manage("trip:planTrip");
