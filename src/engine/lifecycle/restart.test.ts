import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  jobs,
  listenToConsole,
  restart,
  startWithOnComplete,
} from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  components,
  drain,
  effects,
  endings,
  inComponent,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { everyRow } from "../../testing/tables.js";
import * as client from "../../client/index.js";
import type { WorkflowCtx, WorkflowId } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

/** Four steps: a, b, a, c. */
async function abac(step: WorkflowCtx) {
  for (const value of ["a", "b", "a", "c"])
    await step.runMutation(steps.echo, { value }, { name: value });
  return "done";
}

/** A run of `abac` that has ended, restarted and ended again: what ran in all. */
async function rerun(options: Parameters<typeof restart>[2]) {
  const t = newBackend();
  const { workflowId } = await runHandler(t, abac);
  await restart(t, workflowId, options);
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed("done"));
  return (await effects(t)).slice(4);
}

async function expectRefused(
  t: Backend,
  act: () => Promise<unknown>,
  error: string | RegExp,
) {
  const before = await everyRow(t);
  await expect(act()).rejects.toThrow(error);
  expect(await everyRow(t)).toEqual(before);
}

describe("without from, the handler is executed over the recorded history:", () => {
  test.each([{ startAsync: false }, { startAsync: true }])(
    "no step runs again ($startAsync)",
    async (options) => {
      expect(await rerun(options)).toEqual([]);
    },
  );

  test("a run that has failed continues where it stopped", async () => {
    const t = newBackend();
    let broken = true;
    const { workflowId, status } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      if (broken) throw new Error("bug");
      return await step.runMutation(steps.echo, { value: 2 });
    });
    expect(status).toEqual(failed("bug"));
    broken = false;
    await restart(t, workflowId);
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(completed(2));
    expect(await effects(t)).toEqual([1, 2]);
  });

  test("a run without steps is executed again", async () => {
    const t = newBackend();
    let times = 0;
    const { workflowId } = await runHandler(t, async () => ++times);
    await restart(t, workflowId, { from: 0 });
    expect(await statusOf(t, workflowId)).toEqual(completed(2));
    expect(heard.said).toEqual([]);
  });

  test("onComplete is called again at the new end", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac, { context: "mine" });
    await restart(t, workflowId);
    await drain();
    expect(await endings(t)).toMatchObject([
      { workflowId, context: "mine" },
      { workflowId, context: "mine" },
    ]);
  });
});

describe("from a number, that step and all after it run again:", () => {
  test("the first", async () => {
    expect(await rerun({ from: 0 })).toEqual(["a", "b", "a", "c"]);
  });

  test("one in the middle", async () => {
    expect(await rerun({ from: 2 })).toEqual(["a", "c"]);
    expect(heard.said).toEqual([]);
  });

  test("the last, through the pool", async () => {
    expect(await rerun({ from: 3, startAsync: true })).toEqual(["c"]);
  });

  test.each([4, 100])(
    "one that is absent (%i): all are kept, with a warning",
    async (from) => {
      expect(await rerun({ from })).toEqual([]);
      expect(heard.said).toEqual([
        expect.stringContaining(`has no step ${from}`) as string,
      ]);
    },
  );
});

describe("from a name, the last step of that name and all after it run again:", () => {
  test("the name that the step was given", async () => {
    expect(await rerun({ from: "a" })).toEqual(["a", "c"]);
    expect(await rerun({ from: "b" })).toEqual(["b", "a", "c"]);
    expect(await rerun({ from: "c", startAsync: true })).toEqual(["c"]);
  });

  test("the function that it ran, by its name or its reference", async () => {
    for (const from of ["steps:echo", steps.echo]) {
      const t = newBackend();
      const { workflowId } = await runHandler(t, async (step) => {
        await step.runMutation(steps.echo, { value: 1 });
        await step.runMutation(steps.echo, { value: 2 });
        await step.runQuery(steps.echoQuery, { value: 3 });
      });
      await restart(t, workflowId, { from });
      await drain();
      expect(await effects(t)).toEqual([1, 2, 2]);
    }
  });

  test("a sleep or an event", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.sleep(1000);
      await step.runMutation(steps.echo, { value: 2 });
      await step.awaitEvent({ name: "go", timeout: 10 }).catch(() => null);
      await step.runMutation(steps.echo, { value: 3 });
    });
    await restart(t, workflowId, { from: "go" });
    await drain();
    expect(await effects(t)).toEqual([1, 2, 3, 3]);
    await restart(t, workflowId, { from: "sleep" });
    await drain();
    expect(await effects(t)).toEqual([1, 2, 3, 3, 2, 3]);
  });
});

describe("an invalid restart throws and changes nothing:", () => {
  test.each([
    [-1, "Step number cannot be negative: -1"],
    [-0.5, "Step number cannot be negative: -0.5"],
    [1.5, "Step number must be a whole number: 1.5"],
    [NaN, "Step number must be a whole number: NaN"],
  ])("from step %d", async (from, error) => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac);
    for (const startAsync of [false, true])
      await expectRefused(
        t,
        () => restart(t, workflowId, { from, startAsync }),
        error,
      );
  });

  test("from a step that the run doesn't have, though another run does", async () => {
    const t = newBackend();
    await runHandler(t, (step) => step.sleep(1, { name: "x" }), {
      name: "other",
    });
    const { workflowId } = await runHandler(t, abac);
    for (const startAsync of [false, true])
      await expectRefused(
        t,
        () => restart(t, workflowId, { from: "x", startAsync }),
        `Step "x" not found in workflow ${workflowId}`,
      );
    await expectRefused(
      t,
      () => restart(t, workflowId, { from: steps.fail }),
      `Step "steps:fail" not found in workflow ${workflowId}`,
    );
  });

  test("of a run that is still running", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    for (const options of [{}, { from: 0 }, { startAsync: true }])
      await expectRefused(
        t,
        () => restart(t, id, options),
        `Workflow is still running: ${id}`,
      );
  });

  test("of a run that was restarted and whose turn is pending", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac);
    await restart(t, workflowId, { from: 0, startAsync: true });
    await expectRefused(
      t,
      () => restart(t, workflowId),
      `Workflow is still running: ${workflowId}`,
    );
  });

  test("of a run that is gone, and of an id of something else", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac);
    const [row] = await rows(t, "steps");
    for (const id of ["garbage", row!._id as string])
      await expectRefused(
        t,
        () => restart(t, id as WorkflowId),
        `Invalid workflow ID: ${id}`,
      );
    await cleanup(t, workflowId);
    await drain();
    await expectRefused(
      t,
      () => restart(t, workflowId),
      `Workflow not found: ${workflowId}`,
    );
  });
});

/** Removes the function of a run, as a deploy may. */
const removeFunction = (t: Backend, id: WorkflowId) =>
  inComponent(t, (ctx) =>
    ctx.db.patch("workflows", id as never, {
      workflowHandle: "function://;workflows:removed",
    }),
  );

describe("startAsync: false takes the next turn in this transaction:", () => {
  test("the caller sees its outcome", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac);
    const status = await t.mutation(async (ctx) => {
      await client.restart(ctx, components.workflow, workflowId, {});
      return await client.getStatus(ctx, components.workflow, workflowId);
    });
    expect(status).toEqual(completed("done"));
    expect(await jobs(t)).toEqual([]);
  });

  test("a function that is gone undoes the restart", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac, { context: 1 });
    await removeFunction(t, workflowId);
    await expectRefused(
      t,
      () => restart(t, workflowId, { from: 1 }),
      "removed",
    );
  });

  test("a determinism violation undoes the restart", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac, { context: 1 });
    script("handler", "main", (step) => step.sleep(1));
    await expectRefused(
      t,
      () => restart(t, workflowId, { from: 1 }),
      /Determinism violation .* at step 0/,
    );
  });

  test("an error that the handler throws ends the run as failed", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac, { context: 1 });
    script("handler", "main", () => Promise.reject(new Error("no")));
    await restart(t, workflowId, { from: 0 });
    expect(await statusOf(t, workflowId)).toEqual(failed("no"));
    expect(await endings(t)).toHaveLength(2);
  });
});

describe("startAsync: true leaves the next turn to a job of the pool:", () => {
  test("nothing has run when it returns, and the run is in progress", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac);
    let begun = false;
    script("handler", "main", async (step) => {
      begun = true;
      return await abac(step);
    });
    await restart(t, workflowId, { startAsync: true });
    expect(begun).toBe(false);
    expect(await statusOf(t, workflowId)).toMatchObject({ type: "inProgress" });
    expect(await jobs(t)).toEqual(["workflows:workflow"]);
    await drain();
    expect(begun).toBe(true);
  });

  test("a function that is gone fails the run, with its onComplete", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac, { context: 1 });
    await removeFunction(t, workflowId);
    await restart(t, workflowId, { from: 1, startAsync: true });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      failed(expect.stringContaining("removed") as string),
    );
    expect(await endings(t)).toMatchObject([
      { result: { kind: "success" } },
      { result: { kind: "failed" } },
    ]);
  });

  test("a determinism violation fails the run with an error that names the difference", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac);
    script("handler", "main", (step) => step.sleep(1));
    await restart(t, workflowId, { startAsync: true });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      failed(expect.stringMatching(/at step 0(.|\n)*mutation "a"/) as string),
    );
  });
});

describe("a run may be restarted", () => {
  test("by the manager, from an action and from another workflow", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac);
    await t.action((ctx) => manager.restart(ctx, workflowId, { from: "c" }));
    await drain();
    await runHandler(
      t,
      (step) => manager.restart(step, workflowId, { from: 3 }),
      {
        name: "other",
      },
    );
    expect(await effects(t)).toEqual(["a", "b", "a", "c", "c", "c"]);
  });

  test("again and again", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, abac);
    for (let times = 0; times < 3; times++) {
      await restart(t, workflowId, { from: 3 });
      await drain();
    }
    expect(await effects(t)).toEqual(["a", "b", "a", "c", "c", "c", "c"]);
  });

  test.each([{ startAsync: false }, { startAsync: true }])(
    "by its own onComplete when it is canceled, and continues ($startAsync)",
    async (options) => {
      const t = newBackend();
      const seen: string[] = [];
      const id = await startWithOnComplete(
        t,
        async (step) => {
          await step.runAction(steps.echoAction, { value: 1 });
          await step.sleep(1000);
          return "slept";
        },
        async (ctx, { workflowId, result }) => {
          seen.push(result.kind);
          if (seen.length > 1) return;
          await client.restart(ctx, components.workflow, workflowId, options);
        },
      );
      await cancel(t, id);
      expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
      await drain();
      expect(await statusOf(t, id)).toEqual(completed("slept"));
      expect(seen).toEqual(["canceled", "success"]);
      expect(heard.said).toEqual([]);
    },
  );

  test("by its own onComplete when it fails, and continues", async () => {
    const t = newBackend();
    let attempts = 0;
    const id = await startWithOnComplete(
      t,
      async (step) => {
        await step.sleep(10);
        if (attempts++ === 0) throw new Error("first");
        return "second";
      },
      async (ctx, { workflowId, result }) => {
        if (result.kind === "failed")
          await client.restart(ctx, components.workflow, workflowId, {
            startAsync: true,
          });
      },
    );
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("second"));
  });
});
