import { validate } from "convex-helpers/validators";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  components,
  drain,
  journal,
  newBackend,
  runHandler,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { cancelRun, create, eventStates } from "../../testing/events.js";
import {
  cleanup,
  listSteps,
  vWorkflowStep,
  type EventId,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

// What awaitEvent refuses: a step that fails, which the handler can catch.

useBackend();

const waitForGo = (step: WorkflowCtx) =>
  step.awaitEvent({ name: "go", validator: v.string() });

describe("a step that awaits an impossible event rejects, can be caught, and rejects again on every replay", () => {
  /** What a handler catches that awaits `id()`, seen from several turns; and the journal's record of it. */
  const caughtBy = async (
    t: Backend,
    id: () => string,
    prepare?: (workflowId: WorkflowId) => Promise<void>,
  ) => {
    const seen = new Set<string>();
    const workflowId = await startHandler(
      t,
      async (step) => {
        let caught = "nothing";
        try {
          await step.awaitEvent({ id: id() as EventId });
        } catch (error) {
          caught = (error as Error).message;
        }
        seen.add(caught);
        await step.runMutation(steps.echo, { value: 1 });
        await step.sleep(1000);
        return caught;
      },
      { startAsync: true },
    );
    await prepare?.(workflowId);
    await drain();
    const status = await statusOf(t, workflowId);
    expect(seen.size).toBe(1);
    const [refused] = await journal(t, workflowId);
    expect(refused?.step).toMatchObject({
      kind: "event",
      inProgress: false,
      runResult: { kind: "failed", error: [...seen][0] },
    });
    return status.type === "completed" ? status.result : status;
  };

  test("an id of nothing", async () => {
    const t = newBackend();
    for (const id of ["garbage", ""])
      expect(await caughtBy(t, () => id)).toMatch(
        new RegExp(`^Event not found: ${id}`),
      );
  });

  test("an id of another table", async () => {
    const t = newBackend();
    let id!: string;
    const caught = await caughtBy(
      t,
      () => id,
      async (workflowId) => void (id = workflowId),
    );
    expect(caught).toMatch(new RegExp(`^Event not found: ${id}`));
  });

  test("an event of another run, which stays as it is", async () => {
    const t = newBackend();
    const other = await startHandler(t, waitForGo, { name: "other" });
    const id = await create(t, other, "theirs");
    const caught = await caughtBy(t, () => id);
    expect(caught).toMatch(new RegExp(`${id} .*"theirs".*${other}`));
    expect(await eventStates(t)).toEqual(["go waiting", "theirs created"]);
  });

  test("an event of a run that was deleted", async () => {
    const t = newBackend();
    const other = await startHandler(t, waitForGo, { name: "other" });
    const id = await create(t, other, "theirs");
    await cancelRun(t, other);
    await t.mutation((ctx) => cleanup(ctx, components.workflow, other));
    await drain();
    expect(await caughtBy(t, () => id)).toMatch(
      new RegExp(`^Event not found: ${id}`),
    );
  });

  test("neither a name nor an id", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, async (step) => {
      await expect(step.awaitEvent({} as never)).rejects.toThrow(
        "awaitEvent needs the event's name or its id",
      );
      await step.sleep(1);
      return "caught";
    });
    expect(status).toEqual({ type: "completed", result: "caught" });
  });
});

test("a refused step is listed without an event, as vWorkflowStep allows", async () => {
  const t = newBackend();
  const { workflowId } = await runHandler(t, async (step) => {
    const id = "garbage" as EventId;
    await step.awaitEvent({ id }).catch(() => undefined);
  });
  const { page } = await t.query((ctx) =>
    listSteps(ctx, components.workflow, workflowId),
  );
  expect(page).toMatchObject([{ kind: "event", args: { eventId: "garbage" } }]);
  expect(page[0]).not.toHaveProperty("eventId");
  expect(validate(vWorkflowStep, page[0])).toBe(true);
});
