import { createFunctionHandle } from "convex/server";
import { components, internal } from "../../../../component/_generated/api.js";
import type { Deployment } from "./deployment.js";
import { TABLES, type Rows } from "./golden.js";

// Puts rows and jobs of 0.4 into a deployment without running 0.4.

/** The number of the first row in convex-test. */
const FIRST_ID = 10_000;

/** Inserts rows under their recorded ids, because random numbers, for example, depend on the run's id. */
export async function restore(deployment: Deployment, rows: Rows) {
  const tables = new Map<number, { table: keyof Rows; fields: object }>();
  for (const table of TABLES)
    for (const { _id, _creationTime, ...fields } of rows[table])
      tables.set(parseInt(_id), { table, fields });
  const last = Math.max(...tables.keys());
  await deployment.inComponent("workflow", async ({ db }) => {
    for (let id = FIRST_ID; id <= last; id++) {
      const row = tables.get(id);
      const inserted = await db.insert(
        row?.table ?? "config",
        row?.fields ?? {},
      );
      if (!row) await db.delete(inserted);
    }
  });
}

/** Enqueues turns as 0.4 did, one for each completed step. */
export async function enqueueTurns(
  deployment: Deployment,
  run: Rows["workflows"][number],
  count: number,
) {
  const { _id: workflowId, generationNumber, workflowHandle, name } = run;
  await deployment.inComponent("workflow", async (ctx) => {
    const args = { workflowId, generationNumber };
    const onComplete = {
      fnHandle: await createFunctionHandle(internal.pool.handlerOnComplete),
      context: args,
      excludeKinds: ["success" as const],
    };
    const turn = {
      fnType: "mutation" as const,
      fnHandle: workflowHandle,
      fnName: name ?? "",
      fnArgs: args,
      runAt: Date.now(),
      onComplete,
    };
    await ctx.runMutation(components.workpool.lib.enqueueBatch, {
      config: {},
      items: Array.from({ length: count }, () => turn),
    });
  });
}
