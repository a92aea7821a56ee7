// A report made of reports. The workflow runs one child for each region, all in parallel, and each of
// these runs one child for each shop. Every child's return value has the type of its `returns`. If you
// cancel or clean up the report, the same happens to all of them.
//
//   npx convex run fanOut:start
import { vWorkflowId, type WorkflowId } from "@convex-dev/workflow";
import { v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalAction, internalMutation } from "./_generated/server.js";
import { manage } from "./manage.js";
import { callService } from "./services.js";
import { workflow } from "./workflow.js";

const vRegion = v.object({ name: v.string(), shops: v.array(v.string()) });
const vSales = v.object({ name: v.string(), sales: v.number() });
type Sales = Infer<typeof vSales>;
const vRegionReport = v.object({ ...vSales.fields, best: vSales });
type RegionReport = Infer<typeof vRegionReport>;

/** How long a shop takes to answer. */
const takesMs = v.number();

export const report = workflow
  .define({
    args: { regions: v.array(vRegion), takesMs },
    returns: v.object({ sales: v.number(), best: v.string() }),
  })
  .handler(async (step, { regions, takesMs }) => {
    const reports = await Promise.all(
      regions.map((region) =>
        step.runWorkflow(internal.fanOut.reportRegion, { region, takesMs }),
      ),
    );
    const best = bestOf(reports.map(({ best }) => best));
    return { sales: sum(reports), best: best.name };
  });

export const reportRegion = workflow
  .define({ args: { region: vRegion, takesMs }, returns: vRegionReport })
  .handler(async (step, { region, takesMs }): Promise<RegionReport> => {
    const shops = await Promise.all(
      region.shops.map((shop) =>
        step.runWorkflow(internal.fanOut.reportShop, { shop, takesMs }),
      ),
    );
    return { name: region.name, sales: sum(shops), best: bestOf(shops) };
  });

export const reportShop = workflow
  .define({ args: { shop: v.string(), takesMs }, returns: vSales })
  .handler(async (step, { shop, takesMs }): Promise<Sales> => {
    const sales = await step.runAction(
      internal.fanOut.fetchSales,
      { shop, takesMs },
      { retry: true },
    );
    await step.runMutation(internal.fanOut.saveSales, { name: shop, sales });
    return { name: shop, sales };
  });

const sum = (parts: { sales: number }[]) =>
  parts.reduce((total, { sales }) => total + sales, 0);

const bestOf = (parts: Sales[]) =>
  parts.reduce((best, part) => (part.sales > best.sales ? part : best), {
    name: "none",
    sales: 0,
  });

/** Stands for the till of a shop. */
export const fetchSales = internalAction({
  args: { shop: v.string(), takesMs },
  returns: v.number(),
  handler: async (ctx, { shop, takesMs }) => {
    await callService(ctx, shop, { takesMs });
    return shop.length * 100;
  },
});

export const saveSales = internalMutation({
  args: { name: v.string(), sales: v.number() },
  returns: v.null(),
  handler: async (ctx, sales) => {
    await ctx.db.insert("sales", sales);
    return null;
  },
});

const REGIONS = [
  { name: "North", shops: ["Oslo", "Bergen", "Tromsø"] },
  { name: "South", shops: ["Lisbon", "Barcelona"] },
];

export const start = internalMutation({
  args: {
    /** Default: two regions with five shops. */
    regions: v.optional(v.array(vRegion)),
    /** Default: 0. */
    takesMs: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, { regions, takesMs }): Promise<WorkflowId> =>
    await workflow.start(ctx, internal.fanOut.report, {
      regions: regions ?? REGIONS,
      takesMs: takesMs ?? 0,
    }),
});

export const { status, steps, list, cancel, restart, cleanup } =
  manage("fanOut:report");
