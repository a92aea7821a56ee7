import { expect, test, vi } from "vitest";
import { MAX_NAME_LENGTH } from "../../shared/limits.js";
import {
  components,
  newBackend,
  runHandler,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { listenToConsole, poolRows } from "../../testing/managing.js";
import { everyRow } from "../../testing/tables.js";
import { sendEvent, type WorkflowCtx } from "../../client/index.js";

// Limits that no test of another concern comes to. README has the table of all.

useBackend();
const heard = listenToConsole();

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const name = (length: number) => "n".repeat(length);

const tooLong = name(MAX_NAME_LENGTH + 1);
const atNow = (ms: number) => Date.now() + ms;

test.each<[string, (step: WorkflowCtx) => Promise<unknown>, RegExp]>([
  [
    "a step whose name is too long",
    (step) => step.runQuery(steps.echoQuery, { value: 1 }, { name: tooLong }),
    /name "n+…" is too long: 1025 characters, the maximum is 1024/,
  ],
  [
    "an event whose name is too long",
    (step) => step.awaitEvent({ name: tooLong }),
    /name "n+…" is too long: 1025 characters, the maximum is 1024/,
  ],
  [
    "a step that is to start in more than four years",
    (step) =>
      step.runQuery(
        steps.echoQuery,
        { value: 1 },
        { runAt: atNow(4 * YEAR_MS + 1000) },
      ),
    /can't start in \d+ ms: the longest delay is \d+ ms, four years. Sleep first/,
  ],
])("%s is refused, which can be caught", async (_what, ask, message) => {
  const { status } = await runHandler(newBackend(), async (step) => {
    try {
      await ask(step);
      return "not refused";
    } catch (error) {
      return (error as Error).message;
    }
  });
  expect(status).toEqual(completed(expect.stringMatching(message)));
});

test("a name may be as long as the documented limit", async () => {
  const { status } = await runHandler(newBackend(), (step) =>
    step.runQuery(
      steps.echoQuery,
      { value: 1 },
      { name: name(MAX_NAME_LENGTH) },
    ),
  );
  expect(status).toEqual(completed(1));
});

test("a step that is to start in four years starts in four years", async () => {
  // Not at the beginning of one of the pool's units of time.
  vi.setSystemTime(1_700_000_000_050);
  const t = newBackend();
  const workflowId = await startHandler(t, (step) =>
    step.runQuery(steps.echoQuery, { value: 1 }, { runAfter: 4 * YEAR_MS }),
  );
  // The pool would look after it a hundred thousand times until then.
  expect(await statusOf(t, workflowId)).toMatchObject({
    type: "inProgress",
    running: [{ kind: "function" }],
  });
  const [due] = await poolRows(t, "pendingStart");
  const years = (Number(due!["segment"]) * 100 - Date.now()) / YEAR_MS;
  expect(years).toBeCloseTo(4);
  expect(heard.said).toEqual([]);
});

test.each(["driver", "pool"] as const)(
  "a step whose runAt is long past starts at once and logs nothing (%s)",
  async (execution) => {
    const t = newBackend({ execution });
    const { status } = await runHandler(t, (step) =>
      step.runMutation(steps.echo, { value: 1 }, { runAt: 0 }),
    );
    expect(status).toEqual(completed(1));
    expect(heard.said).toEqual([]);
  },
);

test("an event that is sent under too long a name is refused, and nothing is written", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) =>
    step.awaitEvent({ name: "e" }),
  );
  const before = await everyRow(t);
  await expect(
    t.mutation((ctx) =>
      sendEvent(ctx, components.workflow, { name: tooLong, workflowId }),
    ),
  ).rejects.toThrow("is too long: 1025 characters, the maximum is 1024");
  expect(await everyRow(t)).toEqual(before);
});
