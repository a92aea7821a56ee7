import { createFunctionHandle } from "convex/server";
import { components, internal } from "../../../../component/_generated/api.js";
import type { Deployment } from "./deployment.js";
import { TABLES, type Rows } from "./golden.js";

// Puts into a deployment what 0.4 left behind, without 0.4.

/** The first number that convex-test gives to a row. */
const FIRST_ID = 10_000;

/** Inserts rows under the ids that they had: what depends on an id, random numbers say, depends on it still. */
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

/** Enqueues turns of a run as 0.4 did: one for each step that completed. */
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
