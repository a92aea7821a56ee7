import { describe, expect, test } from "vitest";
import { manager } from "../../../testing/app/workflows.js";
import { asWrittenBy04 } from "../../../testing/events.js";
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
import { DAY } from "../../../testing/units.js";

useBackend();
const heard = listenToConsole();

// Runs that 0.4 began start other runs with options that 0.4 lacks.

describe.each(["manager", "function"] as const)("by the %s", (by) => {
  async function startFromLegacy(options: object) {
    const t = newBackend();
    script("handler", "other", (step) => step.awaitEvent({ name: "never" }));
    const args = { handler: "other" };
    const given: StartOptions = { startAsync: true, ...options };
    const id = await startHandler(
      t,
      async (step) => {
        await step.sleep(1000);
        return by === "manager"
          ? await manager.start(step, workflows.workflow, args, given)
          : await start(step, workflows.workflow, args, given);
      },
      { startAsync: true },
    );
    await asWrittenBy04(t);
    return { t, id };
  }

  test(`a run that 0.4 began starts a run with every option: by the ${by}`, async () => {
    const kept = { key: "order 1", retention: { failed: DAY } };
    const times = { timeout: 5 * DAY, runAfter: DAY };
    const { t, id } = await startFromLegacy({ ...kept, ...times });
    await advance(DAY / 2);
    const [legacy, started] = await rows(t, "workflows");
    expect(legacy!.engineVersion).toBeUndefined();
    expect(await statusOf(t, id)).toMatchObject({ result: started!._id });
    expect(started).toMatchObject({ ...kept, timeoutMs: 5 * DAY });
    const names = (await rows(t, "steps")).map(({ step }) => step.name);
    expect(names).toEqual(["sleep", "workflows:workflow"]);
    await drain();
    const keys = (await rows(t, "workflows")).map(({ key }) => key);
    expect(keys).toEqual([undefined]);
  });

  test(`an unknown option is logged once and ignored, as under 0.4: by the ${by}`, async () => {
    const { t, id } = await startFromLegacy({ runAfterMs: 5 });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(heard.said).toEqual([
      expect.stringMatching(
        /start\("workflows:workflow"\): there is no option "runAfterMs"\. Did you mean runAfter\? It is ignored\.$/,
      ),
    ]);
  });
});
