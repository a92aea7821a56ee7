import { describe, expect, test } from "vitest";
import {
  callInternal,
  cancel,
  cleanup,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import {
  drain,
  effects,
  newBackend,
  startHandler,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { everyRow } from "../../testing/tables.js";
import type { WorkflowId } from "../../client/index.js";
import { internal } from "../../component/_generated/api.js";

// Turns, timers and executions that come when nobody awaits them any more.

useBackend();
const heard = listenToConsole();

const LATER = 100_000;

async function expectIgnored(t: Backend, act: () => Promise<unknown>) {
  const before = await everyRow(t);
  await act();
  expect(await everyRow(t)).toEqual(before);
  expect(heard.said).toEqual([]);
}

describe("a call that arrives too late changes nothing and logs nothing:", () => {
  const turn = (t: Backend, workflowId: WorkflowId, generationNumber: number) =>
    t.mutation((ctx) =>
      ctx.runMutation(
        workflows.workflow as never,
        {
          workflowId,
          generationNumber,
        } as never,
      ),
    );

  test("a turn of an earlier generation, of an ended run, of one that is gone", async () => {
    const t = newBackend();
    let turns = 0;
    const id = await startHandler(t, async (step) => {
      turns++;
      await step.sleep(LATER);
    });
    await expectIgnored(t, () => turn(t, id, 7));
    await cancel(t, id);
    await expectIgnored(t, () => turn(t, id, 0));
    await expectIgnored(t, () => turn(t, id, 1));
    await restart(t, id, { startAsync: true });
    await expectIgnored(t, () => turn(t, id, 0));
    await expectIgnored(t, () => turn(t, id, 1));
    expect(turns).toBe(1);
    await drain();
    await cleanup(t, id);
    await expectIgnored(t, () => turn(t, id, 2));
  });

  test("a turn beyond the pending one finds nothing new", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(LATER));
    const before = await everyRow(t);
    await turn(t, id, 0);
    expect(await everyRow(t)).toEqual(before);
  });

  test("a timer, of a sleep and of an event wait", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      Promise.all([
        step.sleep(LATER),
        step.awaitEvent({ name: "go", timeout: LATER }),
      ]),
    );
    const fire = (stepNumber: number, generationNumber: number) =>
      callInternal(t, internal.execute.timer, {
        workflowId: id as never,
        stepNumber,
        generationNumber,
        isLastLeg: true,
      });
    for (const stepNumber of [0, 1, 2])
      await expectIgnored(t, () => fire(stepNumber, 1));
    await cancel(t, id);
    for (const stepNumber of [0, 1])
      for (const generation of [0, 1, 2])
        if (generation !== 1)
          await expectIgnored(t, () => fire(stepNumber, generation));
    await cleanup(t, id);
    await expectIgnored(t, () => fire(0, 0));
  });

  test("a query or mutation step of an earlier generation: its function doesn't run", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      step.runMutation(steps.echo, { value: 1 }, { runAfter: LATER }),
    );
    const execute = (generationNumber: number) =>
      callInternal(t, internal.execute.transaction, {
        workflowId: id as never,
        stepNumber: 0,
        generationNumber,
      });
    await expectIgnored(t, () => execute(1));
    await cancel(t, id);
    await expectIgnored(t, () => execute(0));
    await cleanup(t, id);
    await drain();
    await expectIgnored(t, () => execute(0));
    expect(await effects(t)).toEqual([]);
  });
});
