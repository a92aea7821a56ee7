import { describe, expect, test } from "vitest";
import format1 from "../testing/histories/format1.json" with { type: "json" };
import {
  exportHistory,
  type WorkflowHistory,
  type WorkflowId,
} from "../client/index.js";
import { replayHistory } from "../test.js";
import type { Handler } from "../testing/app/scripts.js";
import { manager, workflow } from "../testing/app/workflows.js";
import {
  advance,
  components,
  drain,
  inComponent,
  newBackend,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../testing/harness.js";
import {
  insertRun,
  insertSteps,
  listenToConsole,
  restart,
} from "../testing/managing.js";
import { DAY } from "../testing/units.js";

useBackend();
listenToConsole();

const echo = (step: Parameters<Handler>[0], value: unknown, options?: object) =>
  step.runMutation(steps.echo, { value }, options);

const deploy = (handler: Handler) => script("handler", "main", handler);

async function begin(t: Backend, handler: Handler, input?: unknown) {
  const id = await startHandler(t, handler, { input });
  await advance(1000);
  return id;
}

/** Returns a history as read from a file. */
async function exported(t: Backend, id: WorkflowId): Promise<WorkflowHistory> {
  const history = await t.query((ctx) =>
    exportHistory(ctx, components.workflow, id),
  );
  return JSON.parse(JSON.stringify(history)) as WorkflowHistory;
}

const odd = {
  bigint: 2n ** 60n,
  bytes: new Uint8Array([1, 2, 255]).buffer,
  numbers: [-0, Infinity, NaN],
  nested: { list: [[null]] },
};

const before: Handler = async (step, input) => {
  const first: unknown = await echo(step, input);
  const [second] = await Promise.all([
    echo(step, { first }),
    step.runQuery(steps.echoQuery, { value: Math.random() }),
    echo(step, Date.now(), { inline: true }),
    step.runAction(steps.echoAction, { value: "action" }),
    step.runWorkflow(workflows.workflow, { handler: "child" }),
    step.awaitEvent({ name: "never", timeout: 100 }).catch(() => "late"),
    step.runMutation(steps.fail, { message: "no" }).catch(() => "failed"),
  ]);
  await step.sleep(DAY);
  return await echo(step, second);
};

describe("replayHistory", () => {
  test.each(["in flight", "completed"])(
    "executes the handler over the journal of a run that is %s",
    async (state) => {
      const t = newBackend();
      script("handler", "child", (step) => echo(step, "child"));
      const id = await begin(t, before, odd);
      if (state === "completed") await drain();
      const history = await exported(t, id);
      expect(history).toEqual({
        format: 1,
        name: "workflows:workflow",
        workflowId: id,
        steps: state === "completed" ? 10 : 9,
        data: expect.any(String) as string,
      });
      const replayed = await replayHistory(workflow, history);
      expect(replayed).toEqual({
        kind: "ok",
        reached: history.steps,
        ...(state === "completed" && {
          result: { kind: "success", returnValue: { first: odd } },
        }),
      });
    },
  );

  test("replays a history that an earlier release exported", async () => {
    script("handler", "child", (step) => echo(step, "child"));
    script("handler", "recorded", async (step, input) => {
      const isNew = step.patched("first");
      return [isNew, await before(step, input)];
    });
    expect(await replayHistory(workflow, format1)).toEqual({
      kind: "ok",
      reached: 11,
      result: { kind: "success", returnValue: [true, { first: odd }] },
    });
  });

  const recorded: Handler = async (step) => {
    await echo(step, "a");
    await echo(step, "b");
    await step.sleep(DAY);
  };

  test("rejects with the same determinism violation as the run", async () => {
    const t = newBackend();
    const id = await begin(t, recorded);
    const history = await exported(t, id);
    const changes: Handler[] = [
      (step) => echo(step, "b"),
      () => new Promise(() => {}),
      (step) => echo(step, "a"),
      async (step) => {
        await echo(step, "a");
        await echo(step, "b");
        await echo(step, "new");
      },
    ];
    let error: string | undefined;
    for (const changed of changes) {
      deploy(changed);
      error = await replayHistory(workflow, history).then(
        () => "none",
        ({ message }: Error) => message,
      );
      expect(error).toMatch(/^Determinism violation in workflow /);
    }
    await drain();
    expect(await statusOf(t, id)).toEqual({ type: "failed", error });
  });

  test("accepts a change behind a patch, stops at the end of the history, and reports the handler's error and progress", async () => {
    const t = newBackend();
    const history = await exported(t, await begin(t, recorded));
    const seen: unknown[] = [];
    deploy(async (step) => {
      await echo(step, "a");
      if (step.patched("more")) await echo(step, "new");
      await echo(step, "b");
      const slept = step.sleep(DAY);
      seen.push(await echo(step, "beyond", { inline: true }));
      await slept;
    });
    const kind = "ok";
    expect(await replayHistory(workflow, history)).toEqual({
      kind,
      reached: 3,
    });
    expect(seen).toEqual([]);
    deploy(async (step) => {
      await echo(step, "a");
      throw new Error("a bug");
    });
    const result = { kind: "failed", error: "a bug" };
    expect(await replayHistory(workflow, history)).toEqual({
      kind,
      reached: 1,
      result,
    });
  });

  test("replays a run that 0.4 began by the rules of 0.4", async () => {
    const t = newBackend();
    const id = await startHandler(
      t,
      async (step) => {
        await Promise.all([echo(step, "a"), echo(step, "b")]);
        await Promise.all([step.sleep(DAY), echo(step, "c")]);
      },
      { startAsync: true },
    );
    await inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, { engineVersion: undefined }),
    );
    await advance(1000);
    const history = await exported(t, id);
    expect(await replayHistory(workflow, history)).toEqual({
      kind: "ok",
      reached: 4,
    });
    deploy(async (step) => {
      await Promise.all([echo(step, "a"), echo(step, "b")]);
      await Promise.all([step.sleep(DAY), echo(step, "changed")]);
    });
    await expect(replayHistory(workflow, history)).rejects.toThrow(
      /Determinism violation .* at step 3/,
    );
  });

  test("replays a restarted run", async () => {
    const t = newBackend();
    const handler: Handler = async (step) => {
      await echo(step, "a");
      await step.sleep(DAY);
      throw new Error("ends");
    };
    const id = await begin(t, handler);
    await drain();
    await restart(t, id, { from: "sleep" });
    const history = await exported(t, id);
    expect(await replayHistory(workflow, history)).toMatchObject({
      reached: 2,
    });
  });

  test("replays several histories at once, each with its own time and random numbers", async () => {
    const t = newBackend();
    const handler: Handler = async (step) => {
      await echo(step, [Date.now(), Math.random()]);
      await Promise.all([step.sleep(1000), step.sleep(2000)]);
      return await echo(step, [Date.now(), Math.random()]);
    };
    const histories: WorkflowHistory[] = [];
    for (let run = 0; run < 3; run++) {
      const id = await begin(t, handler);
      await drain();
      histories.push(await exported(t, id));
    }
    const { Math: math, Date: date } = globalThis;
    const replays = histories.map((each) => replayHistory(workflow, each));
    const done = { kind: "ok", reached: 4, result: { kind: "success" } };
    expect(await Promise.all(replays)).toMatchObject([done, done, done]);
    expect(globalThis).toMatchObject({ Math: math, Date: date });
  });

  test("refuses an invalid history and an invalid workflow", async () => {
    const history = { format: 2 } as WorkflowHistory;
    await expect(replayHistory(workflow, history)).rejects.toThrow(
      "replayHistory takes what exportHistory returns, in format 1, and not format 2.",
    );
    const t = newBackend();
    const id = await begin(t, (step) => step.sleep(DAY));
    await expect(
      replayHistory(undefined as never, await exported(t, id)),
    ).rejects.toThrow("replayHistory takes a workflow");
  });
});

describe("exportHistory", () => {
  test("works in queries, mutations and actions and as a manager's method, and refuses an invalid id", async () => {
    const t = newBackend();
    const id = await begin(t, (step) => step.sleep(DAY));
    const history = await exported(t, id);
    for (const found of [
      await t.mutation((ctx) => exportHistory(ctx, components.workflow, id)),
      await t.action((ctx) => exportHistory(ctx, components.workflow, id)),
      await t.query((ctx) => manager.exportHistory(ctx, id)),
    ])
      expect(found).toEqual(history);
    await expect(exported(t, undefined as never)).rejects.toThrow(
      "Invalid workflow ID: undefined",
    );
  });

  test("exports a journal of nearly 8 MiB, and refuses a larger one with the run's name", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    const text = "x".repeat(1000 * 1024);
    const large = () => ({
      step: { runResult: { kind: "success" as const, returnValue: text } },
    });
    await insertSteps(t, id, { from: 0, to: 8 }, large);
    const history = await exported(t, id);
    expect(history.steps).toBe(8);
    deploy(async (step) => {
      for (let value = 0; value < 8; value++) await echo(step, value);
    });
    expect(await replayHistory(workflow, history)).toMatchObject({
      reached: 8,
    });
    await insertSteps(t, id, { from: 8, to: 9 }, large);
    await expect(exported(t, id)).rejects.toThrow(
      /Can't export the history of workflow \S+: its journal is too large .* at step 8 "steps:echo"/,
    );
  });
});
