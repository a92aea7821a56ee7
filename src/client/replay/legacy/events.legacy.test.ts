import { v } from "convex/values";
import { expect, test, vi } from "vitest";
import {
  components,
  drain,
  newBackend,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../../testing/harness.js";
import { completed } from "../../../testing/statuses.js";
import {
  asWrittenBy04,
  create,
  eventStates,
  send,
  startWithEvents,
} from "../../../testing/events.js";
import { cancel } from "../../../testing/managing.js";
import { caseOf } from "./testing/cases.js";
import { Deployment } from "./testing/deployment.js";
import { CURRENT } from "./testing/releases/current.js";
import { PUBLISHED } from "./testing/releases/published.js";
import { restart, type WorkflowCtx } from "../../index.js";

// Events and waits in rows that 0.4 wrote, without the fields added since.

useBackend();

const go = { name: "go", validator: v.string() };

const three = (step: WorkflowCtx) =>
  Promise.all([step.awaitEvent(go), step.awaitEvent(go), step.awaitEvent(go)]);

test("waits that began under 0.4 consume events in their starting order", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, three);
  await asWrittenBy04(t);
  for (const value of ["1", "2", "3"])
    await send(t, { workflowId, name: "go", value });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed(["1", "2", "3"]));
  expect(await eventStates(t)).toEqual(Array(3).fill("go consumed"));
});

test("waits that began under 0.4 consume events before later waits", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    const awaitGo = () => step.awaitEvent(go);
    return await Promise.all([
      awaitGo(),
      step.awaitEvent({ name: "now" }).then(awaitGo),
    ]);
  });
  await asWrittenBy04(t);
  await send(t, { workflowId, name: "now" });
  // Under 0.4's rules, no turn runs while a step is in flight.
  await send(t, { workflowId, name: "go", value: "1" });
  await drain();
  await send(t, { workflowId, name: "go", value: "2" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed(["1", "2"]));
});

test("events sent or created under 0.4 can be awaited", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(
    t,
    ["go", "by id"],
    async (step, _go, id) => [
      await step.awaitEvent(go),
      await step.awaitEvent({ id, validator: v.string() }),
      await step.awaitEvent(go),
    ],
  );
  await send(t, { workflowId, name: "go", value: "1" });
  await send(t, { id: ids[1], value: "2" });
  await send(t, { workflowId, name: "go", value: "3" });
  await asWrittenBy04(t);
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed(["1", "2", "3"]));
});

test("a wait that began under 0.4 receives its event after the run is canceled and restarted", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, three);
  await asWrittenBy04(t);
  await cancel(t, workflowId);
  await t.mutation((ctx) => restart(ctx, components.workflow, workflowId));
  expect(await eventStates(t)).toEqual(Array(3).fill("go waiting"));
  for (const value of ["1", "2", "3"])
    await send(t, { workflowId, name: "go", value });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed(["1", "2", "3"]));
});

test("a run that began under 0.4 may await, send and create events with names of any length", async () => {
  const t = newBackend();
  const long = "🦭".repeat(1500);
  const workflowId = await startHandler(
    t,
    async (step) => {
      await step.runMutation(steps.echo, { value: 1 }, { name: long });
      await step.sleep(1, { name: long });
      return [
        await step.awaitEvent({ name: long }),
        await step.awaitEvent({ name: `${long}2` }),
      ];
    },
    { startAsync: true },
  );
  await asWrittenBy04(t);
  const id = await create(t, workflowId, `${long}2`);
  await drain();
  await send(t, { workflowId, name: long, value: "1" });
  await send(t, { id, value: "2" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed(["1", "2"]));
});

test.each([
  ["0.4.8", PUBLISHED],
  ["this release", CURRENT],
] as const)(
  "fields of another object that is spread into an event do no harm: %s",
  async (_, release) => {
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const deployment = new Deployment(release);
    const workflowId = await deployment.start(caseOf({ name: "eventsByName" }));
    const { client } = deployment;
    const sendSpread = (more: object) => {
      const event = { workflowId, name: "go", value: 1, ...more };
      return deployment.mutate((ctx) =>
        client.sendEvent(ctx as never, components.workflow, event as never),
      );
    };
    const document = { _id: "x", _creationTime: 1, author: "Ann", data: 5 };
    const id = await sendSpread({ ...document, values: [1] });
    const rows = await deployment.rows("events");
    expect(rows.find(({ _id }) => (_id as string) === id)!.state).toMatchObject(
      {
        result: { kind: "success", returnValue: 1 },
      },
    );
    warn.mockRestore();
  },
);
