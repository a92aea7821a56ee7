import workpool from "@convex-dev/workpool/test";
import type { GenericDataModel, GenericMutationCtx } from "convex/server";
import schema from "../component/schema.js";
import appSchema from "./app/schema.js";
import type { Backend } from "./harness.js";

type Ctx = GenericMutationCtx<GenericDataModel>;
type ComponentRunner = {
  runInComponent<T>(path: string, run: (ctx: Ctx) => Promise<T>): Promise<T>;
};

/**
 * Returns every row of the app, the component and its workpool, and every scheduled function. A refused
 * call must not change them.
 */
export async function everyRow(t: Backend): Promise<Record<string, unknown[]>> {
  const components = t as unknown as ComponentRunner;
  return {
    ...(await t.run((ctx) => dump("app", appSchema.tables, ctx as Ctx))),
    ...(await components.runInComponent("workflow", (ctx) =>
      dump("workflow", schema.tables, ctx),
    )),
    ...(await components.runInComponent("workflow/workpool", (ctx) =>
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
