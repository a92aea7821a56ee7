import type * as client from "@convex-dev/workflow";
import type { WorkflowId } from "@convex-dev/workflow";
import { mutationGeneric, queryGeneric } from "convex/server";
import { components, workflows } from "./references.js";

type Start = { name: string; args: unknown; startAsync?: boolean };
type Target = { workflowId: WorkflowId };
type Page = { cursor: string | null; numItems: number };

/** The functions that an app's users call, defined with a release of the package. */
export function defineRuns(release: typeof client) {
  const { workflow } = components;
  const start = async (
    ctx: Parameters<typeof client.start>[0],
    { name, args, startAsync = false }: Start,
  ) => await release.start(ctx, workflows[name]!, args, { startAsync });
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
      async (ctx, paginationOpts: Page) =>
        await release.list(ctx, workflow, { paginationOpts }),
    ),
    listSteps: queryGeneric(
      async (ctx, { workflowId, ...paginationOpts }: Target & Page) =>
        await release.listSteps(ctx, workflow, workflowId, { paginationOpts }),
    ),
  };
}
