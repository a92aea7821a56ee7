import { expect } from "vitest";
import * as client from "../client/index.js";
import type { EventId, WorkflowCtx, WorkflowId } from "../client/index.js";
import {
  advance,
  components,
  drain,
  inComponent,
  newBackend,
  rows,
  startHandler,
  statusOf,
  type Backend,
} from "./harness.js";
import { completed } from "./statuses.js";

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

/** A run with the events that were created for it before its first turn. */
export interface Told {
  t: Backend;
  workflowId: WorkflowId;
  ids: readonly EventId[];
}

/** Something that is done to a run, or expected of its events by then. */
export type Act = (told: Told) => Promise<void>;

/** Sends an event by name, or the nth event that was created by its id. */
export const sends =
  (event: string | number, value: unknown): Act =>
  async ({ t, workflowId, ids }) => {
    if (typeof event === "string")
      await send(t, { workflowId, name: event, value });
    else expect(await send(t, { id: ids[event]!, value })).toBe(ids[event]);
  };

export const rests: Act = () => drain();

export const passes =
  (ms: number): Act =>
  () =>
    advance(ms);

/** Expects these states of the run's events, oldest first. */
export const areEvents =
  (...states: string[]): Act =>
  async ({ t }) =>
    expect(await eventStates(t)).toEqual(states);

/** Expects that the run waits for events. */
export const waits: Act = async ({ t, workflowId }) =>
  expect(await statusOf(t, workflowId)).toMatchObject({
    type: "inProgress",
    running: [{ kind: "event" }],
  });

/** What happens to a run that awaits events. */
export interface Story {
  /** Events that are created for the run before its first turn, whose ids its handler gets. */
  created?: string[];
  handler: (step: WorkflowCtx, ...ids: EventId[]) => Promise<unknown>;
  /** If `created` is given, the run's first turn comes when it rests or time passes. */
  acts: Act[];
  /** What the run returns in the end. */
  result: unknown;
}

export async function expectStory(story: Story) {
  const { created, handler, acts, result } = story;
  const t = newBackend();
  const run = created
    ? await startWithEvents(t, created, handler)
    : { workflowId: await startHandler(t, handler), ids: [] };
  const told: Told = { t, ...run };
  for (const act of acts) await act(told);
  await drain();
  const expected: unknown =
    typeof result === "function" ? result(told) : result;
  expect(await statusOf(t, run.workflowId)).toEqual(completed(expected));
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
