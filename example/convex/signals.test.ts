import { finishWorkflows, waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";
import type { WorkflowId } from "@convex-dev/workflow";

useFakeTimers();

async function begin(t: Backend) {
  const workflowId = await t.mutation(internal.signals.start, {
    questions: ["Tea or coffee?", "Milk?"],
  });
  await finishWorkflows(t, { until: "waiting" });
  return workflowId;
}

async function asked(t: Backend, workflowId: WorkflowId) {
  const open = await t.query(internal.signals.open, { workflowId });
  if (!open) throw new Error("Nothing was asked");
  return open;
}

test("each question is asked once the previous one is answered", async () => {
  const t = newBackend();
  const workflowId = await begin(t);
  const first = await asked(t, workflowId);
  expect(first.question).toBe("Tea or coffee?");
  await t.mutation(internal.signals.answer, {
    ...answerTo(first),
    text: "Tea",
  });
  await finishWorkflows(t, { until: "waiting" });
  const second = await asked(t, workflowId);
  expect(second.question).toBe("Milk?");
  await t.mutation(internal.signals.answer, {
    ...answerTo(second),
    text: "No",
  });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: ["Tea", "No"],
  });
});

test("an answer that arrives twice is refused and doesn't answer the next question", async () => {
  const t = newBackend();
  const workflowId = await begin(t);
  const first = answerTo(await asked(t, workflowId));
  await t.mutation(internal.signals.answer, { ...first, text: "Tea" });
  await finishWorkflows(t, { until: "waiting" });
  await expect(
    t.mutation(internal.signals.answer, { ...first, text: "Coffee" }),
  ).rejects.toThrow("already");
  expect(await t.query(internal.signals.status, { workflowId })).toMatchObject({
    type: "inProgress",
    running: [{ kind: "event" }],
  });
});

const answerTo = ({ answerId }: Awaited<ReturnType<typeof asked>>) => ({
  answerId,
});
