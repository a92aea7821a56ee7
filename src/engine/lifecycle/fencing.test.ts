import { expect, test } from "vitest";
import {
  callInternal,
  cancel,
  cleanup,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import { echo, LATER, takeTurn } from "../../testing/scenes.js";
import {
  drain,
  effects,
  newBackend,
  rows,
  startHandler,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { expectRefused } from "../../testing/directCalls.js";
import { expectUnchanged } from "../../testing/doors.js";
import { create } from "../../testing/events.js";
import type { WorkflowId } from "../../client/index.js";
import { internal } from "../../component/_generated/api.js";

// Obsolete turns, timers and executions, and calls for runs that don't exist, change nothing and log
// nothing.

useBackend();
const heard = listenToConsole();

test("a turn of an earlier generation, an ended run or a deleted run", async () => {
  const t = newBackend();
  let turns = 0;
  const id = await startHandler(t, async (step) => {
    turns++;
    await step.sleep(LATER);
  });
  const expectIgnored = async (...generations: number[]) => {
    for (const generation of generations)
      await expectUnchanged(t, heard, () => takeTurn(t, id, generation));
  };
  await expectIgnored(7);
  await cancel(t, id);
  await expectIgnored(0, 1);
  await restart(t, id, { startAsync: true });
  await expectIgnored(0, 1);
  expect(turns).toBe(1);
  await drain();
  await cleanup(t, id);
  await expectIgnored(2);
});

test("the function of a query or mutation step of an earlier generation doesn't run", async () => {
  const t = newBackend();
  const id = await startHandler(t, (step) =>
    echo(step, 1, { runAfter: LATER }),
  );
  const expectIgnored = async (generationNumber: number) =>
    await expectUnchanged(t, heard, () =>
      callInternal(t, internal.execute.transaction, {
        workflowId: id as never,
        stepNumber: 0,
        generationNumber,
      }),
    );
  await expectIgnored(1);
  await cancel(t, id);
  await expectIgnored(0);
  await cleanup(t, id);
  await drain();
  await expectIgnored(0);
  expect(await effects(t)).toEqual([]);
});

test("cancel, restart and cleanup refuse another table's id, an invalid id and a deleted run", async () => {
  const t = newBackend();
  const id = await startHandler(t, (step) => step.awaitEvent({ name: "go" }));
  const event = await create(t, id, "x");
  const [step] = await rows(t, "steps");
  const effect = await t.run((ctx) =>
    ctx.db.insert("effects", { key: "k", value: 1 }),
  );
  const expectAllRefuse = async (
    wrong: string,
    error: string,
    acts: ((t: Backend, id: WorkflowId) => Promise<unknown>)[],
  ) => {
    for (const act of acts)
      await expectRefused(t, `${error}: ${wrong}`, () =>
        act(t, wrong as WorkflowId),
      );
  };
  for (const wrong of [step!._id, event, effect, "", "garbage", `${id}x`])
    await expectAllRefuse(wrong, "Invalid workflow ID", [
      cancel,
      restart,
      cleanup,
    ]);
  await cancel(t, id);
  await cleanup(t, id);
  await expectAllRefuse(id, "Workflow not found", [cancel, restart]);
  await expectUnchanged(t, heard, () => cleanup(t, id));
});
