import workpool from "@convex-dev/workpool/test";
import type { GenericDataModel, GenericMutationCtx } from "convex/server";
import schema from "../component/schema.js";
import appSchema from "./app/schema.js";
import { inPart, type Backend } from "./harness.js";

type Ctx = GenericMutationCtx<GenericDataModel>;

/**
 * Returns every row of the app, the component and its workpool, and every scheduled function. A refused
 * call must not change them.
 */
export async function everyRow(t: Backend): Promise<Record<string, unknown[]>> {
  return {
    ...(await t.run((ctx) => dump("app", appSchema.tables, ctx as Ctx))),
    ...(await inPart(t, "workflow", (ctx) =>
      dump("workflow", schema.tables, ctx),
    )),
    ...(await inPart(t, "workflow/workpool", (ctx) =>
      dump("workpool", workpool.schema.tables, ctx),
    )),
  };
}

async function dump(owner: string, tables: object, ctx: Ctx) {
  const found: Record<string, unknown[]> = {};
  for (const table of Object.keys(tables))
    found[`${owner}.${table}`] = await ctx.db.query(table).collect();
  found[`${owner}.scheduled`] = await ctx.db.system
    .query("_scheduled_functions")
    .collect();
  return found;
}
