import { describe, expect, test } from "vitest";
import { Calls } from "../../testing/calls.js";
import {
  advance,
  effects,
  endings,
  journal,
  newBackend,
  rows,
  runHandler,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { lateRejections } from "../../testing/lateRejections.js";
import { listenToConsole } from "../../testing/managing.js";

// Branches that fail before anything awaits them. For bundles, see tools/local-backend/handlers.test.ts.

useBackend();
listenToConsole();

const cases = lateRejections({
  echo: steps.echo,
  echoAction: steps.echoAction,
  fail: steps.boom,
});

describe.each(["driver", "pool"] as const)(
  "executed by the %s",
  (execution) => {
    test.each(Object.entries(cases))(
      "a rejection that comes before its handler: %s",
      async (_name, { handler, ends }) => {
        const t = newBackend({ execution });
        const { status, workflowId } = await runHandler(t, handler, {
          context: "c",
        });
        if ("returns" in ends)
          expect(status).toEqual({ type: "completed", result: ends.returns });
        else
          expect(status).toMatchObject({
            type: "failed",
            error: expect.stringMatching(ends.fails) as string,
          });
        expect(await endings(t)).toHaveLength(1);
        const places = (await journal(t, workflowId)).flatMap(
          ({ delivery }) => delivery?.order ?? [],
        );
        expect(places.sort((a, b) => a - b)).toEqual([...places.keys()]);
      },
    );
  },
);

test("each mutation step runs once although turns crash", async () => {
  const t = newBackend();
  await runHandler(t, cases["handledAfterManySteps"]!.handler);
  expect(await effects(t)).toEqual([0, 1, 2, 3, 4]);
});

test("a result that is held back records the rejection in its row", async () => {
  const t = newBackend();
  await runHandler(t, cases["forgotten"]!.handler);
  const [failed] = await rows(t, "steps");
  expect(failed!.delivery).toBeUndefined();
  expect(failed!.heldBack).toMatchObject({
    error: expect.stringContaining("boom") as string,
  });
});

test("a turn that uses a timer fails its run, even while steps are in flight", async () => {
  let usesTimer = false;
  const calls = new Calls(({ path }) => {
    if (usesTimer && path === "workflows:workflow")
      throw new Error("Uncaught Error: Can't use setTimeout in queries");
  });
  const t = newBackend({ wrap: calls.wrap });
  const workflowId = await startHandler(t, async (step) => {
    await Promise.race([
      step.sleep(60_000),
      step.runMutation(steps.echo, { value: 1 }),
    ]);
    return await step.runMutation(steps.echo, { value: 2 });
  });
  usesTimer = true;
  await advance(30_000);
  expect(await statusOf(t, workflowId)).toEqual({
    type: "failed",
    error:
      "Can't use setTimeout in queries\n" +
      "A workflow's handler can't use `setTimeout`. To wait, use step.sleep(ms).",
  });
});
