import { describe, expect, test } from "vitest";
import {
  cancel,
  jobs,
  restart,
  startWithOnComplete,
} from "../../testing/managing.js";
import { echo, removeFunction, useQuietConsole } from "../../testing/scenes.js";
import {
  components,
  drain,
  effects,
  endings,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { expectRefused } from "../../testing/directCalls.js";
import * as client from "../../client/index.js";
import type { WorkflowCtx, WorkflowId } from "../../client/index.js";

useBackend();
const heard = useQuietConsole();

type Options = Parameters<typeof restart>[2];

/** Runs four steps: a, b, a, c. */
async function abac(step: WorkflowCtx) {
  for (const value of ["a", "b", "a", "c"])
    await echo(step, value, { name: value });
  return "done";
}

async function ended(t: Backend, handler = abac) {
  return (await runHandler(t, handler, { context: "mine" })).workflowId;
}

test.each<[string, Options, string, string?]>([
  ["without from runs no step", {}, ""],
  ["by the pool without from runs no step", { startAsync: true }, ""],
  ["from the first step runs all", { from: 0 }, "abac"],
  ["from a step in the middle runs it and the rest", { from: 2 }, "ac"],
  ["by the pool from the last runs it", { from: 3, startAsync: true }, "c"],
  ["from an absent step warns and runs none", { from: 4 }, "", "no step 4"],
  [
    "from step 100 of four warns and runs none",
    { from: 100 },
    "",
    "no step 100",
  ],
  ["from a name runs the last step of it and the rest", { from: "a" }, "ac"],
  ["from another name runs its step and the rest", { from: "b" }, "bac"],
  ["by the pool from a name runs it", { from: "c", startAsync: true }, "c"],
])(
  "a restart %s again, and calls onComplete again",
  async (_, options, ran, warning) => {
    const t = newBackend();
    const workflowId = await ended(t);
    await restart(t, workflowId, options);
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(completed("done"));
    expect((await effects(t)).slice(4).join("")).toEqual(ran);
    const ending = { workflowId, context: "mine" };
    expect(await endings(t)).toMatchObject([ending, ending]);
    expect(heard.takeNote()).toEqual(
      warning ? [expect.stringContaining(warning)] : [],
    );
  },
);

test("a restart from the beginning of a run without steps executes it again", async () => {
  const t = newBackend();
  let times = 0;
  const { workflowId } = await runHandler(t, async () => ++times);
  await restart(t, workflowId, { from: 0 });
  expect(await statusOf(t, workflowId)).toEqual(completed(2));
});

test("from of a restart may name an event, a sleep or a function, or be a function's reference", async () => {
  const t = newBackend();
  const { workflowId } = await runHandler(t, async (step) => {
    await echo(step, 1);
    await step.sleep(1000);
    await echo(step, 2);
    await step.awaitEvent({ name: "go", timeout: 10 }).catch(() => null);
    await echo(step, 3);
    await echo(step, 4);
    await step.runQuery(steps.echoQuery, { value: 5 });
  });
  const ranSince = async (from: NonNullable<Options>["from"]) => {
    const { length } = await effects(t);
    await restart(t, workflowId, { from });
    await drain();
    return (await effects(t)).slice(length);
  };
  expect(await ranSince("go")).toEqual([3, 4]);
  expect(await ranSince("sleep")).toEqual([2, 3, 4]);
  expect(await ranSince("steps:echo")).toEqual([4]);
  expect(await ranSince(steps.echo)).toEqual([4]);
});

describe("an invalid restart throws and changes nothing:", () => {
  test.each<[string, unknown, (id: string) => string]>([
    ["a negative number", -1, () => "Step number cannot be negative: -1"],
    ["a negative fraction", -0.5, () => "Step number cannot be negative: -0.5"],
    ["a fraction", 1.5, () => "Step number must be a whole number: 1.5"],
    ["NaN", NaN, () => "Step number must be a whole number: NaN"],
    [
      "a name that only another run has",
      "x",
      (id) => `Step "x" not found in workflow ${id}`,
    ],
    [
      "a function that no step calls",
      steps.fail,
      (id) => `Step "steps:fail" not found in workflow ${id}`,
    ],
  ])("from %s", async (_what, place, error) => {
    const t = newBackend();
    const sleep = (step: WorkflowCtx) => step.sleep(1, { name: "x" });
    await runHandler(t, sleep, { name: "other" });
    const id = await ended(t);
    const from = place as number;
    for (const startAsync of [false, true])
      await expectRefused(t, error(id), () =>
        restart(t, id, { from, startAsync }),
      );
  });

  test("of a run in progress, or of one whose turn after a restart is pending", async () => {
    const t = newBackend();
    const pending = await ended(t);
    const waiting = await startHandler(t, (step) => step.sleep(1000), {
      name: "waiting",
    });
    await restart(t, pending, { from: 0, startAsync: true });
    for (const id of [waiting, pending])
      for (const options of [{}, { from: 0 }, { startAsync: true }])
        await expectRefused(t, `Workflow is still running: ${id}`, () =>
          restart(t, id, options),
        );
  });
});

describe("a restart takes the next turn in this transaction, or leaves it to the pool with startAsync:", () => {
  test("with startAsync, it returns before anything runs, and the run is in progress", async () => {
    const t = newBackend();
    const workflowId = await ended(t);
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

  const sleeps = () => script("handler", "main", (step) => step.sleep(1));

  test.each<[string, (t: Backend, id: WorkflowId) => unknown, RegExp]>([
    ["a function that is gone", removeFunction, /removed/],
    [
      "a determinism violation",
      sleeps,
      /Determinism violation .* at step 0(.|\n)*mutation "a"/,
    ],
  ])(
    "%s undoes the restart, or fails the run with its onComplete",
    async (_what, change, error) => {
      const t = newBackend();
      const workflowId = await ended(t);
      await change(t, workflowId);
      await expectRefused(t, error, () => restart(t, workflowId, { from: 1 }));
      await restart(t, workflowId, { from: 1, startAsync: true });
      await drain();
      expect(await statusOf(t, workflowId)).toEqual(
        failed(expect.stringMatching(error) as string),
      );
      const kinds = (await endings(t)).map(({ result }) => result.kind);
      expect(kinds).toEqual(["success", "failed"]);
    },
  );
});

test.each([
  ["canceled", { startAsync: false }],
  ["canceled", { startAsync: true }],
  ["failed", { startAsync: true }],
] as const)(
  "a run may be restarted by its own onComplete when it is %s, and continues (%o)",
  async (end, options) => {
    const t = newBackend();
    const seen: string[] = [];
    const id = await startWithOnComplete(
      t,
      async (step) => {
        await step.runAction(steps.echoAction, { value: 1 });
        await step.sleep(1000);
        if (end === "failed" && seen.length === 0) throw new Error("first");
        return "slept";
      },
      async (ctx, { workflowId, result }) => {
        seen.push(result.kind);
        if (seen.length > 1) return;
        await client.restart(ctx, components.workflow, workflowId, options);
      },
    );
    if (end === "canceled") {
      await cancel(t, id);
      expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    }
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("slept"));
    expect(seen).toEqual([end, "success"]);
  },
);
