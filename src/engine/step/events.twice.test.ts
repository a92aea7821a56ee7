import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  advance,
  drain,
  journal,
  newBackend,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { eventStates, send, startWithEvents } from "../../testing/events.js";
import type { EventId, WorkflowCtx, WorkflowId } from "../../client/index.js";

// If one id is awaited twice, the first wait gets the event and the second rejects, even if both
// are issued at once.

useBackend();

const awaitId = (step: WorkflowCtx, id: EventId) =>
  step.awaitEvent({ id, validator: v.string() });

/** Starts a run for which one event, `go`, is created before its first turn. */
async function startWithEvent(
  t: Backend,
  handler: (step: WorkflowCtx, id: EventId) => Promise<unknown>,
) {
  const { workflowId, ids } = await startWithEvents(t, ["go"], handler);
  return { workflowId, id: ids[0] };
}

const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => `got ${value as string}`,
    (error: Error) => error.message,
  );

const refusal = (state: string, id: EventId, workflowId: WorkflowId) =>
  expect.stringMatching(
    new RegExp(`^Event already ${state}: ${id} .*"go".*${workflowId}`),
  ) as string;

describe("asked for at once", () => {
  const both = (step: WorkflowCtx, id: EventId) =>
    Promise.all([messageOf(awaitId(step, id)), messageOf(awaitId(step, id))]);

  test("the second is refused as already waiting, and the first still gets the value", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, both);
    await drain();
    expect(await eventStates(t)).toEqual(["go waiting"]);
    await send(t, { id, value: "it" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed(["got it", refusal("waiting", id, workflowId)]),
    );
  });

  test("of an event that is there already, the second is refused as already consumed", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, both);
    await send(t, { id, value: "it" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed(["got it", refusal("consumed", id, workflowId)]),
    );
  });

  test("a bare Promise.all rejects with the refusal, and the event still goes to the first", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, async (step, id) => {
      const first = awaitId(step, id);
      const caught = await messageOf(Promise.all([first, awaitId(step, id)]));
      return [caught, await first];
    });
    await drain();
    expect((await statusOf(t, workflowId)).type).toBe("inProgress");
    await send(t, { id, value: "it" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed([refusal("waiting", id, workflowId), "it"]),
    );
  });

  test("uncaught, it fails the run with the refusal", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, (step, id) =>
      Promise.all([awaitId(step, id), awaitId(step, id)]),
    );
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      failed(refusal("waiting", id, workflowId)),
    );
  });
});

describe("asked for one after the other", () => {
  test("the second is refused as already consumed", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, async (step, id) => [
      await awaitId(step, id),
      await messageOf(awaitId(step, id)),
    ]);
    await drain();
    await send(t, { id, value: "it" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed(["it", refusal("consumed", id, workflowId)]),
    );
  });

  test("in a later turn while the first waits, the second is refused as already waiting", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, async (step, id) => {
      const first = awaitId(step, id);
      await step.sleep(1000);
      const second = await messageOf(awaitId(step, id));
      await step.sleep(1000);
      return [await first, second];
    });
    await drain();
    await send(t, { id, value: "it" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed(["it", refusal("waiting", id, workflowId)]),
    );
  });

  test("by name after by id, it waits for another event", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, async (step, id) => [
      await awaitId(step, id),
      await step.awaitEvent({ name: "go", validator: v.string() }),
    ]);
    await send(t, { id, value: "it" });
    await drain();
    expect((await statusOf(t, workflowId)).type).toBe("inProgress");
    await send(t, { workflowId, name: "go", value: "another" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(completed(["it", "another"]));
  });

  test("by id after by name took it, it is refused as already consumed", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, async (step, id) => [
      await step.awaitEvent({ name: "go", validator: v.string() }),
      await messageOf(awaitId(step, id)),
    ]);
    await send(t, { id, value: "it" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed(["it", refusal("consumed", id, workflowId)]),
    );
  });

  test("after the first timed out, the id can be awaited again", async () => {
    const t = newBackend();
    const { workflowId, id } = await startWithEvent(t, async (step, id) => {
      const first = await messageOf(
        step.awaitEvent({ id, timeout: 1000, validator: v.string() }),
      );
      return [first, await awaitId(step, id)];
    });
    await advance(5000);
    expect(await eventStates(t)).toEqual(["go waiting"]);
    await send(t, { id, value: "it" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed([expect.stringMatching(/^Timed out/), "it"]),
    );
  });
});

test("a refusal is a failed step: every replay refuses again, even after the event was consumed", async () => {
  const t = newBackend();
  const seen: string[] = [];
  const { workflowId, id } = await startWithEvent(t, async (step, id) => {
    const first = awaitId(step, id);
    const second = await messageOf(awaitId(step, id));
    seen.push(second);
    const value = await first;
    await step.runMutation(steps.echo, { value });
    await step.runMutation(steps.echo, { value });
    return value;
  });
  await drain();
  await send(t, { id, value: "it" });
  await drain();
  expect((await statusOf(t, workflowId)).type).toBe("completed");
  expect(seen.length).toBeGreaterThanOrEqual(4);
  expect(new Set(seen)).toEqual(new Set([refusal("waiting", id, workflowId)]));
  const [first, second] = await journal(t, workflowId);
  expect(first?.step.runResult).toEqual({ kind: "success", returnValue: "it" });
  expect(second?.step).toMatchObject({
    kind: "event",
    inProgress: false,
    runResult: { kind: "failed", error: seen[0] },
  });
  expect(await eventStates(t)).toEqual(["go consumed"]);
});
