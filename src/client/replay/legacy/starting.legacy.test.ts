import { expect, test } from "vitest";
import { manager } from "../../../testing/app/workflows.js";
import { asWrittenBefore } from "../../../testing/events.js";
import {
  advance,
  drain,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  useBackend,
  workflows,
} from "../../../testing/harness.js";
import { listenToConsole } from "../../../testing/managing.js";
import { start, type StartOptions } from "../../index.js";

useBackend();
const heard = listenToConsole();

// Runs of 0.4 that start runs with options that 0.4 doesn't have.

const DAY = 24 * 60 * 60_000;

/** Starts a run from a run of 0.4, by the manager or by the function. */
async function startFromLegacy(options: object, by: "manager" | "function") {
  const t = newBackend();
  script("handler", "other", (step) => step.awaitEvent({ name: "never" }));
  const args = { handler: "other" };
  const id = await startHandler(
    t,
    async (step) => {
      await step.sleep(1000);
      const given = options as StartOptions;
      return by === "manager"
        ? await manager.start(step, workflows.workflow, args, given)
        : await start(step, workflows.workflow, args, given);
    },
    { startAsync: true },
  );
  await asWrittenBefore(t);
  return { t, id };
}

test.each(["manager", "function"] as const)(
  "a run of 0.4 starts a run with every option: by the %s",
  async (by) => {
    const options = {
      startAsync: true,
      key: "order 1",
      timeout: 5 * DAY,
      retention: { failed: DAY },
      runAfter: DAY,
    };
    const { t, id } = await startFromLegacy(options, by);
    await advance(DAY / 2);
    const [legacy, started] = await rows(t, "workflows");
    expect(legacy!.engineVersion).toBeUndefined();
    expect(await statusOf(t, id)).toMatchObject({ result: started!._id });
    expect(started).toMatchObject({
      key: "order 1",
      timeoutMs: 5 * DAY,
      retention: { failed: DAY },
    });
    expect((await rows(t, "steps")).map(({ step }) => step.name)).toEqual([
      "sleep",
      "workflows:workflow",
    ]);
    await drain();
    expect((await rows(t, "workflows")).map(({ key }) => key)).toEqual([
      undefined,
    ]);
  },
);

test.each(["manager", "function"] as const)(
  "an unknown option is logged once, as 0.4 ignores it: by the %s",
  async (by) => {
    const options = { startAsync: true, runAfterMs: 5 };
    const { t, id } = await startFromLegacy(options, by);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(heard.said).toEqual([
      expect.stringMatching(
        /start\("workflows:workflow"\): there is no option "runAfterMs"\. Did you mean runAfter\? It is ignored\.$/,
      ),
    ]);
  },
);
