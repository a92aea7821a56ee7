import type { WorkflowId } from "@convex-dev/workflow";
import { finishWorkflows } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { api, internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

// Each module has its own functions to start a run. The others are the same in every module.
const { onboarding, approval, signals, fanOut, transcription } = internal;
const { booking, batch, subscription, race, trip, example } = internal;
const modules = {
  example,
  onboarding,
  approval,
  signals,
  fanOut,
  transcription,
  booking,
  batch,
  subscription,
  race,
  trip,
  welcomes: internal.welcomes,
};
type Name = keyof typeof modules;

const starts: Record<Name, (t: Backend) => Promise<WorkflowId>> = {
  example: (t) => t.mutation(example.start, { exampleArg: "Ada" }),
  onboarding: (t) => t.mutation(onboarding.start, { name: "Ada" }),
  approval: async (t) => {
    const workflowId = await t.mutation(approval.start, { title: "A chair" });
    // Run until it waits, because the restart begins there.
    await finishWorkflows(t, { until: "waiting" });
    return workflowId;
  },
  signals: (t) => t.mutation(signals.start, { questions: ["Why?"] }),
  fanOut: (t) => t.mutation(fanOut.start, { takesMs: 1000 }),
  transcription: (t) => t.mutation(transcription.start, { file: "a.mp3" }),
  booking: (t) => t.mutation(booking.start, { items: ["flight"] }),
  batch: (t) => t.mutation(batch.start, { count: 3 }),
  subscription: (t) => t.mutation(subscription.start, { customer: "Ada" }),
  race: (t) => t.mutation(race.start, { flight: "LIS-OSL" }),
  trip: (t) => t.mutation(trip.start, { city: "Oslo", nights: 1 }),
  welcomes: (t) => t.mutation(api.welcome.signUp, { name: "Ada" }),
};

const names = Object.keys(modules) as Name[];

test.each(names)(
  "a run of %s can be listed, canceled, restarted and cleaned up",
  async (name) => {
    const t = newBackend();
    const { status, steps, list, cancel, restart, cleanup } = modules[name];
    const workflowId = await starts[name](t);
    expect(await t.query(status, { workflowId })).toMatchObject({
      type: "inProgress",
    });
    expect((await t.query(steps, { workflowId })).page).not.toEqual([]);
    expect((await t.query(list, {})).page).toMatchObject([{ workflowId }]);
    expect(await t.mutation(cleanup, { workflowId })).toBe(false);

    await t.mutation(cancel, { workflowId });
    await finishWorkflows(t, { until: "waiting" });
    expect(await t.query(status, { workflowId })).toMatchObject({
      type: "canceled",
    });

    const at = name === "approval" || name === "trip" ? {} : { from: 0 };
    await t.mutation(restart, { workflowId, ...at });
    expect(await t.query(status, { workflowId })).toMatchObject({
      type: "inProgress",
    });

    await t.mutation(cancel, { workflowId });
    await finishWorkflows(t);
    expect(await t.mutation(cleanup, { workflowId })).toBe(true);
    await finishWorkflows(t);
    expect((await t.query(list, {})).page).toEqual([]);
  },
);

test("pages of runs and steps have the requested length", async () => {
  const t = newBackend();
  const first = await starts.race(t);
  const second = await starts.race(t);
  await finishWorkflows(t, { until: "waiting" });
  const one = { numItems: 1, cursor: null };
  const page = await t.query(race.list, { paginationOpts: one });
  expect(page).toMatchObject({ page: [{ workflowId: second }], isDone: false });
  const steps = await t.query(race.steps, {
    workflowId: first,
    paginationOpts: one,
  });
  expect(steps).toMatchObject({ page: [{ name: "ask Swift" }], isDone: false });
});
