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

/** Sends an event in its own transaction. */
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
 * Starts a run, and creates events with these names before its first turn. The handler gets their
 * ids.
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

/** Returns the state of each event, oldest first. */
export async function eventStates(t: Backend): Promise<string[]> {
  return (await rows(t, "events")).map(
    ({ name, state }) => `${name} ${state.kind}`,
  );
}

/** The run of a story, and the events that were created for it before its first turn. */
export interface StoryRun {
  t: Backend;
  workflowId: WorkflowId;
  ids: readonly EventId[];
}

/** An operation on a run, or an expectation about its events. */
export type Act = (run: StoryRun) => Promise<void>;

/** Sends an event by name, or the nth created event by id. */
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

/** Expects the run's events to have these states, oldest first. */
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

/** A test's script for a run that awaits events. */
export interface Story {
  /** Events to create before the run's first turn. The handler gets their ids. */
  created?: string[];
  handler: (step: WorkflowCtx, ...ids: EventId[]) => Promise<unknown>;
  /** The operations, in order. With `created`, the first turn comes only when time passes. */
  acts: Act[];
  /** The run's return value. */
  result: unknown;
}

export async function expectStory(story: Story) {
  const { created, handler, acts, result } = story;
  const t = newBackend();
  const started = created
    ? await startWithEvents(t, created, handler)
    : { workflowId: await startHandler(t, handler), ids: [] };
  const run: StoryRun = { t, ...started };
  for (const act of acts) await act(run);
  await drain();
  const expected: unknown = typeof result === "function" ? result(run) : result;
  expect(await statusOf(t, run.workflowId)).toEqual(completed(expected));
}

/** Removes every field that 0.4 doesn't write from all rows. */
export async function asWrittenBy04(t: Backend) {
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
