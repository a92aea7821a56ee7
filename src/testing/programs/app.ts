import {
  internalMutationGeneric,
  internalQueryGeneric,
  type GenericDataModel,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";
import type * as current from "../../client/index.js";
import type { WorkflowId } from "../../client/index.js";
import { api, components } from "./functions.js";
import { PROGRAMS, type Request } from "./programs.js";

/** The client of this package or of 0.4.8, which apps use in the same way. */
export type Client = Pick<
  typeof current,
  | "WorkflowManager"
  | "cancel"
  | "cleanup"
  | "getStatus"
  | "restart"
  | "sendEvent"
  | "start"
>;

/** Defines an app that calls the client. One workflow executes each program by its title. */
export function defineApp(client: Client) {
  const workflow = new client.WorkflowManager(components.workflow);
  return {
    program: workflow
      .define({ args: { title: v.string(), input: v.optional(v.any()) } })
      .handler(
        async (step, { title, input }) =>
          await PROGRAMS[title]!.handler(step, input),
      ),

    start: internalMutationGeneric({
      args: { title: v.string(), input: v.optional(v.any()) },
      handler: async (ctx, args) =>
        await client.start(ctx, api.app.program, args, {
          onComplete: api.app.ended,
          context: args.title,
        }),
    }),

    ended: internalMutationGeneric({
      args: { workflowId: v.string(), result: v.any(), context: v.string() },
      handler: async (ctx, { workflowId, result, context }) => {
        await ctx.db.insert("ends", { result: result.kind });
        const { onComplete } = PROGRAMS[context]!;
        if (onComplete) await manage(ctx, workflowId, onComplete(result));
        return null;
      },
    }),

    manage: internalMutationGeneric({
      args: { id: v.string(), request: v.any() },
      handler: async (ctx, { id, request }) => {
        await manage(ctx, id, request);
        return null;
      },
    }),

    look: internalQueryGeneric({
      args: { id: v.string() },
      handler: async (ctx, { id }) => {
        const status = await client.getStatus(ctx, components.workflow, id);
        const effects = await ctx.db.query("effects").collect();
        const ends = await ctx.db.query("ends").collect();
        return {
          status:
            status.type === "failed"
              ? { ...status, error: firstLine(status.error) }
              : status,
          effects: effects.map(({ value }) => value as unknown),
          ends: ends.map(({ result }) => result as unknown),
        };
      },
    }),
  };

  async function manage(
    ctx: GenericMutationCtx<GenericDataModel>,
    id: string,
    request: Request | undefined,
  ) {
    const workflowId = id as WorkflowId;
    if (request === undefined) return;
    if (request === "cancel")
      await client.cancel(ctx, components.workflow, workflowId);
    else if ("restartFrom" in request)
      await client.restart(ctx, components.workflow, workflowId, {
        from: request.restartFrom,
      });
    else
      await client.sendEvent(ctx, components.workflow, {
        workflowId,
        name: request.send,
        value: request.value,
      });
  }
}

/** Returns only the first line, because 0.4.8 also keeps a thrown error's name and stack. */
export const firstLine = (error: string) =>
  error.split("\n")[0]!.replace(/^((Uncaught )|(\w*Error: ))*/, "");
