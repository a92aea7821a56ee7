import * as client from "../client/index.js";
import type { EventId, WorkflowCtx, WorkflowId } from "../client/index.js";
import {
  components,
  inComponent,
  rows,
  startHandler,
  type Backend,
} from "./harness.js";

type SentEvent = Parameters<typeof client.sendEvent>[2];

/** Sends an event in a transaction of its own. */
export async function send(
  t: Backend,
  event: SentEvent,
): Promise<EventId<string>> {
  return await t.mutation((ctx) =>
    client.sendEvent(ctx, components.workflow, event),
  );
}

export async function create<Name extends string>(
  t: Backend,
  workflowId: WorkflowId,
  name: Name,
): Promise<EventId<Name>> {
  return await t.mutation((ctx) =>
    client.createEvent(ctx, components.workflow, { workflowId, name }),
  );
}

/**
 * Starts a run for which events of these names are created before its first turn. The handler is
 * told their ids.
 */
export async function startWithEvents<const Names extends readonly string[]>(
  t: Backend,
  names: Names,
  handler: (step: WorkflowCtx, ...ids: EventId[]) => Promise<unknown>,
): Promise<{
  workflowId: WorkflowId;
  ids: { [Key in keyof Names]: EventId };
}> {
  const ids: EventId[] = [];
  const workflowId = await startHandler(t, (step) => handler(step, ...ids), {
    startAsync: true,
  });
  for (const name of names) ids.push(await create(t, workflowId, name));
  return { workflowId, ids: ids as { [Key in keyof Names]: EventId } };
}

/** How far each event is, oldest first. */
export async function eventStates(t: Backend): Promise<string[]> {
  return (await rows(t, "events")).map(
    ({ name, state }) => `${name} ${state.kind}`,
  );
}

/** Ends a run at once, whatever it waits for. */
export async function cancelRun(t: Backend, workflowId: WorkflowId) {
  await t.mutation((ctx) =>
    client.cancel(ctx, components.workflow, workflowId),
  );
}

/** Takes from every row what the existing package would not have written. */
export async function asWrittenBefore(t: Backend) {
  await inComponent(t, async (ctx) => {
    for (const { _id } of await ctx.db.query("events").collect())
      await ctx.db.patch("events", _id, {
        waiter: undefined,
        createdByWait: undefined,
      });
    for (const { _id } of await ctx.db.query("steps").collect())
      await ctx.db.patch("steps", _id, {
        delivery: undefined,
        wakes: undefined,
        group: undefined,
      });
    for (const { _id } of await ctx.db.query("workflows").collect())
      await ctx.db.patch("workflows", _id, { engineVersion: undefined });
  });
}
