import type * as client from "@convex-dev/workflow";
import type { WorkflowId } from "@convex-dev/workflow";
import { mutationGeneric, queryGeneric } from "convex/server";
import { components, workflows } from "./references.js";

type Start = {
  name: string;
  args: unknown;
  startAsync?: boolean;
  options?: object;
};
type Batch = { cursor?: string };
type Target = { workflowId: WorkflowId };
type Page = { cursor: string | null; numItems: number };

/** The functions that an app's users call, defined with a release of the package. */
export function defineRuns(release: typeof client) {
  const { workflow } = components;
  const start = async (
    ctx: Parameters<typeof client.start>[0],
    { name, args, startAsync = false, options }: Start,
  ) =>
    await release.start(ctx, workflows[name]!, args, {
      startAsync,
      ...options,
    });
  return {
    start: mutationGeneric(start),
    startMany: mutationGeneric(
      async (ctx, { count, ...given }: Start & { count: number }) => {
        for (let i = 0; i < count; i++) await start(ctx, given);
      },
    ),
    send: mutationGeneric(
      async (ctx, event: Target & { name: string; value: unknown }) => {
        await release.sendEvent(ctx, workflow, event);
      },
    ),
    cancel: mutationGeneric(async (ctx, { workflowId }: Target) => {
      await release.cancel(ctx, workflow, workflowId);
    }),
    cleanup: mutationGeneric(
      async (ctx, { workflowId }: Target) =>
        await release.cleanup(ctx, workflow, workflowId),
    ),
    status: queryGeneric(
      async (ctx, { workflowId }: Target) =>
        await release.getStatus(ctx, workflow, workflowId),
    ),
    list: queryGeneric(
      async (
        ctx,
        { status, ...paginationOpts }: Page & { status?: "canceled" },
      ) =>
        await release.list(ctx, workflow, {
          paginationOpts,
          ...(status && { status }),
        }),
    ),
    cancelMany: mutationGeneric(
      async (ctx, { cursor }: Batch) =>
        await release.cancelMany(ctx, workflow, cursor ? { cursor } : {}),
    ),
    restartMany: mutationGeneric(
      async (ctx, { cursor }: Batch) =>
        await release.restartMany(ctx, workflow, {
          status: "canceled",
          ...(cursor && { cursor }),
        }),
    ),
    cleanupMany: mutationGeneric(
      async (ctx, { cursor }: Batch) =>
        await release.cleanupMany(ctx, workflow, cursor ? { cursor } : {}),
    ),
    counts: queryGeneric(async (ctx) => await release.counts(ctx, workflow)),
    listSteps: queryGeneric(
      async (ctx, { workflowId, ...paginationOpts }: Target & Page) =>
        await release.listSteps(ctx, workflow, workflowId, { paginationOpts }),
    ),
  };
}
