import { finishWorkflows } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

async function transcribe(t: Backend, file: string, outages: number) {
  const workflowId = await t.mutation(internal.transcription.start, {
    file,
    outages,
  });
  await finishWorkflows(t);
  return workflowId;
}

async function transcripts(t: Backend) {
  const rows = await t.run((ctx) => ctx.db.query("transcripts").collect());
  return rows.map(({ text }) => text);
}

async function calls(t: Backend) {
  const rows = await t.run((ctx) => ctx.db.query("attempts").collect());
  return rows.map(({ count }) => count).sort();
}

test("each part is retried until it is transcribed, and the text is in order", async () => {
  const t = newBackend();
  const workflowId = await transcribe(t, "talk.mp3", 2);
  expect(
    await t.query(internal.transcription.status, { workflowId }),
  ).toMatchObject({ type: "completed" });
  const [text] = await transcripts(t);
  expect(text!.match(/\d+/g)).toEqual(["0", "30", "60", "90", "120"]);
  expect(await calls(t)).toEqual([1, 1, 2, 2, 3]);
});

test("a file that isn't a recording fails the run at its first attempt, and so does a part that can't be transcribed", async () => {
  const t = newBackend();
  const { status, steps } = internal.transcription;
  const picture = await transcribe(t, "holiday.jpg", 0);
  expect(await t.query(status, { workflowId: picture })).toEqual({
    type: "failed",
    error: "holiday.jpg is no recording",
  });
  const { page } = await t.query(steps, { workflowId: picture });
  expect(page).toMatchObject([
    { name: "transcription:measure", runResult: { kind: "failed" } },
  ]);
  const talk = await transcribe(t, "talk.mp3", 4);
  expect(await t.query(status, { workflowId: talk })).toEqual({
    type: "failed",
    error: "The service is down (attempt 4)",
  });
  expect(await transcripts(t)).toEqual([]);
});
