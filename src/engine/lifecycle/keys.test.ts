import { beforeEach, describe, expect, test } from "vitest";
import { internal } from "../../testing/app/_generated/api.js";
import {
  advance,
  components,
  drain,
  journal,
  newBackend,
  rows,
  runHandler,
  script,
  statusOf,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import {
  cancel,
  gate,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import { act } from "../../testing/scenes.js";
import {
  findByKey,
  restart as restartWith,
  restartMany,
  start,
  type RunMutationCtx,
  type RunStartOptions,
  type WorkflowId,
} from "../../client/index.js";

useBackend();
listenToConsole();

// A key belongs to one run in progress, even if an onComplete, a step or a direct call starts others meanwhile.

const component = components.workflow;
const key = "order 1";
const { onEnd } = internal.managed;

const begin = (
  ctx: RunMutationCtx,
  options: RunStartOptions & { startAsync?: boolean } = {},
) =>
  start(
    ctx,
    workflows.workflow,
    { handler: "main" },
    { key, onComplete: onEnd, context: null, ...options },
  );

const withKey = (t: Backend, options: RunStartOptions = {}) =>
  t.mutation((ctx) => begin(ctx, options));

const running = async (t: Backend) =>
  (await rows(t, "workflows"))
    .filter((run) => run.key === key && !run.runResult)
    .map(({ _id }) => _id as string);

const waits = () =>
  script("handler", "main", (step) => step.awaitEvent({ name: "go" }));

/** Scripts the `onComplete` of all runs. */
const onEnds = (
  body: (ctx: RunMutationCtx, id: WorkflowId) => Promise<unknown>,
) =>
  script(
    "mutation",
    "onEnd",
    (ctx: RunMutationCtx, { workflowId }: { workflowId: WorkflowId }) =>
      body(ctx, workflowId),
  );

beforeEach(() => onEnds(async () => null));

const find = (t: Backend) =>
  t.query((ctx) => findByKey(ctx, component, workflows.workflow, key));

describe("a key", () => {
  test("belongs to one run in progress of its workflow, and until it ends another start returns it or is refused", async () => {
    const t = newBackend();
    waits();
    const id = await withKey(t);
    expect(await withKey(t)).toBe(id);
    expect(await withKey(t, { ifRunning: "return" })).toBe(id);
    await expect(withKey(t, { ifRunning: "throw" })).rejects.toMatchObject({
      data: { code: "WORKFLOW_RUNNING", workflowId: id },
      message: expect.stringContaining('with the key "order 1"') as string,
    });
    expect(await rows(t, "workflows")).toHaveLength(1);
    expect(await withKey(t, { key: "order 2" })).not.toBe(id);
    await t.mutation((ctx) =>
      start(ctx, internal.definitions.timesOut, {}, { key }),
    );
    expect(await find(t)).toBe(id);
    expect(await rows(t, "workflows")).toHaveLength(3);
    await cancel(t, id);
    expect(await find(t)).toBe(null);
    expect(await withKey(t, { ifRunning: "throw" })).not.toBe(id);
  });

  test("prevents a restart of its earlier run once another run has it", async () => {
    const t = newBackend();
    waits();
    const ended = await withKey(t);
    await cancel(t, ended);
    const id = await withKey(t);
    await expect(restart(t, ended)).rejects.toMatchObject({
      data: { code: "WORKFLOW_RUNNING", workflowId: id },
    });
    const many = { status: "canceled" } as const;
    expect(
      await t.mutation((ctx) => restartMany(ctx, component, many)),
    ).toMatchObject({ done: 0 });
    expect(await statusOf(t, ended)).toEqual({ type: "canceled" });
    await cancel(t, id);
    await restart(t, ended);
    expect(await find(t)).toBe(ended);
  });

  test("moves to the replacing run, and the replaced run's action is ignored", async () => {
    const t = newBackend();
    const action = gate();
    script("action", "slow", () => action.passed.then(() => "old"));
    let isNew = false;
    script("handler", "main", async (step) =>
      isNew ? "new" : await act(step, "slow"),
    );
    const old = await withKey(t);
    await advance(1000);
    isNew = true;
    const next = await withKey(t, { ifRunning: "replace" });
    action.open(undefined);
    await drain();
    expect(await statusOf(t, old)).toEqual({ type: "canceled" });
    expect(await statusOf(t, next)).toMatchObject({ result: "new" });
    const [row] = await journal(t, old);
    expect(row!.step.runResult).toBeUndefined();
  });
});

describe("a start that replaces the run with its key", () => {
  test.each([
    ["starts with it, too", 3],
    ["restarts", 2],
  ])(
    "replaces a run that the canceled one's onComplete %s",
    async (does, runs) => {
      const t = newBackend();
      waits();
      let ends = 0;
      onEnds(async (ctx, id) => {
        if (ends++ > 0) return;
        if (does === "restarts") await restartWith(ctx, component, id);
        else await begin(ctx);
      });
      const first = await withKey(t);
      const last = await withKey(t, { ifRunning: "replace" });
      expect(await running(t)).toEqual([last]);
      expect(await statusOf(t, first)).toEqual({ type: "canceled" });
      expect(await rows(t, "workflows")).toHaveLength(runs);
    },
  );

  test("may come from another run's handler", async () => {
    const t = newBackend();
    waits();
    const old = await withKey(t);
    const { status } = await runHandler(
      t,
      (step) => begin(step, { ifRunning: "replace" }),
      { name: "starter" },
    );
    expect(await statusOf(t, old)).toEqual({ type: "canceled" });
    expect(await running(t)).toEqual([(status as { result: string }).result]);
  });

  test("throws WORKFLOW_RUNNING without changes if each canceled run starts another", async () => {
    const t = newBackend();
    waits();
    onEnds((ctx) => begin(ctx));
    const first = await withKey(t);
    await expect(withKey(t, { ifRunning: "replace" })).rejects.toMatchObject({
      data: { code: "WORKFLOW_RUNNING" },
      message: expect.stringMatching(
        /^Can't start "workflows:workflow" with the key "order 1": /,
      ) as string,
    });
    expect(await running(t)).toEqual([first]);
  });
});

test("the component never creates a second run with a key, even for direct calls", async () => {
  const t = newBackend();
  waits();
  const first = await withKey(t);
  const [row] = await rows(t, "workflows");
  const create = () =>
    t.mutation((ctx) =>
      ctx.runMutation(component.workflow.create, {
        workflowName: row!.name!,
        workflowHandle: row!.workflowHandle,
        workflowArgs: { handler: "main" },
        startAsync: true,
        key,
      }),
    );
  await expect(create()).rejects.toMatchObject({
    data: { code: "WORKFLOW_RUNNING", workflowId: first },
  });
  await cancel(t, first);
  await create();
  await expect(restart(t, first)).rejects.toMatchObject({
    data: { code: "WORKFLOW_RUNNING" },
  });
  expect(await running(t)).toHaveLength(1);
});

describe("a handler that starts a run with its own run's key", () => {
  /** Returns the run's error, or the result of `start`. */
  async function startsItself(t: Backend, options: RunStartOptions) {
    let turns = 0;
    script("handler", "main", async (step) => {
      if (++turns > 20) throw new Error("It starts itself again and again");
      return await begin(step, options);
    });
    const id = await withKey(t);
    await drain();
    return { id, status: await statusOf(t, id) };
  }

  test.each([
    ["throw", /has that key and is still running/],
    ["replace", /is the one that starts it\. .* in its onComplete/],
  ] as const)(
    "can't %s it, and the error says to start the next run in onComplete",
    async (ifRunning, error) => {
      const t = newBackend();
      const { status } = await startsItself(t, { ifRunning });
      expect(status).toMatchObject({
        type: "failed",
        error: expect.stringMatching(error) as string,
      });
      expect(await rows(t, "workflows")).toHaveLength(1);
    },
  );
});
