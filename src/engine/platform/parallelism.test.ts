import { afterEach, describe, expect, test } from "vitest";
import {
  callInternal,
  gate,
  listenToConsole,
  poolConfig,
} from "../../testing/managing.js";
import { internal as app } from "../../testing/app/_generated/api.js";
import { internal } from "../../component/_generated/api.js";
import {
  advance,
  components,
  drain,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { deployed } from "../../testing/app/managed.js";
import { everyRow } from "../../testing/tables.js";
import { start, WorkflowManager } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const { three, seven, nine, changing } = app.managed;

afterEach(() => {
  delete deployed.maxParallelism;
  delete deployed.logLevel;
});

/** Starts a run of a manager's workflow: one action. */
async function startOf(t: Backend, workflow: typeof three) {
  script("handler", "main", (step) =>
    step.runAction(steps.echoAction, { value: 1 }),
  );
  const id = await t.mutation((ctx) =>
    start(ctx, workflow, { handler: "main" }),
  );
  await drain();
  return id;
}

/** How many of many actions run at a time. */
async function actionsAtATime(t: Backend, workflow: typeof three) {
  const { open, passed } = gate();
  let running = 0;
  script("action", "wait", async () => {
    running++;
    await passed;
  });
  script("handler", "many", async (step) => {
    const all = Array.from({ length: 40 }, () =>
      step.runAction(steps.action, { name: "wait" }),
    );
    return (await Promise.all(all)).length;
  });
  const id = await t.mutation((ctx) =>
    start(ctx, workflow, { handler: "many" }),
  );
  await advance(10_000);
  const atATime = running;
  open(null);
  await drain();
  expect(await statusOf(t, id)).toEqual({ type: "completed", result: 40 });
  return atATime;
}

const store = (t: Backend, maxParallelism: number) =>
  callInternal(t, internal.utils.updateConfig, { maxParallelism });

describe("how many steps run at a time", () => {
  test("is 25 unless configured, not in rounds of ten", async () => {
    const t = newBackend();
    expect(await actionsAtATime(t, workflows.workflow)).toBe(25);
  });

  test("is the value that utils:updateConfig stored", async () => {
    const t = newBackend();
    await store(t, 6);
    expect(await actionsAtATime(t, workflows.workflow)).toBe(6);
  });

  test("is the manager's value rather than the stored one", async () => {
    const t = newBackend();
    await store(t, 6);
    expect(await actionsAtATime(t, seven)).toBe(7);
  });

  test("is the same for a run that is started through the pool, and its nested runs", async () => {
    const t = newBackend();
    script("handler", "parent", (step) =>
      step.runWorkflow(seven, { handler: "child" }),
    );
    script("handler", "child", (step) => step.sleep(10));
    await t.mutation((ctx) =>
      start(ctx, seven, { handler: "parent" }, { startAsync: true }),
    );
    await drain();
    expect((await poolConfig(t)).maxParallelism).toBe(7);
    expect(heard.said).toEqual([]);
  });
});

describe("a value that earlier calls passed", () => {
  test("is replaced once utils:updateConfig sets another", async () => {
    const t = newBackend();
    deployed.maxParallelism = 7;
    await startOf(t, changing);
    delete deployed.maxParallelism;
    await store(t, 2);
    await startOf(t, changing);
    expect((await poolConfig(t)).maxParallelism).toBe(2);
  });

  test("applies to managers that pass none until another value is passed", async () => {
    const t = newBackend();
    for (const n of [3, 7, 3]) {
      deployed.maxParallelism = n;
      await startOf(t, changing);
      await startOf(t, workflows.workflow);
      expect((await poolConfig(t)).maxParallelism).toBe(n);
    }
  });

  test("doesn't return with a retry of a run that began then", async () => {
    const t = newBackend();
    let attempts = 0;
    script("action", "flaky", () => {
      if (++attempts < 3) throw new Error("flaky");
      return "ok";
    });
    script("handler", "flaky", (step) =>
      step.runAction(
        steps.action,
        { name: "flaky" },
        { retry: { maxAttempts: 3, initialBackoffMs: 100, base: 2 } },
      ),
    );
    deployed.maxParallelism = 0;
    const paused = await t.mutation((ctx) =>
      start(ctx, changing, { handler: "flaky" }),
    );
    await advance(5000);
    expect(attempts).toBe(0);
    deployed.maxParallelism = 25;
    await startOf(t, changing);
    expect(await statusOf(t, paused)).toMatchObject({ result: "ok" });
    expect((await poolConfig(t)).maxParallelism).toBe(25);
  });

  test("of the log level is not overwritten by managers that pass none", async () => {
    const t = newBackend();
    deployed.logLevel = "ERROR";
    await startOf(t, changing);
    await startOf(t, workflows.workflow);
    expect((await poolConfig(t)).logLevel).toBe("ERROR");
  });
});

test("an operator's pause holds until the operator lifts it, whatever managers pass", async () => {
  const t = newBackend();
  await startOf(t, seven);
  await store(t, 0);
  script("handler", "main", (step) =>
    step.runAction(steps.echoAction, { value: 1 }),
  );
  const id = await t.mutation((ctx) => start(ctx, seven, { handler: "main" }));
  await advance(100_000);
  expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
  expect((await poolConfig(t)).maxParallelism).toBe(0);
  await store(t, 5);
  await drain();
  expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
});

test("a pause by a manager ends when the manager is deployed with another value, each time", async () => {
  const t = newBackend();
  script("handler", "main", (step) =>
    step.runAction(steps.echoAction, { value: 1 }),
  );
  script("handler", "other", (step) =>
    step.runMutation(steps.echo, { value: 1 }),
  );
  const begin = (handler: string) =>
    t.mutation((ctx) => start(ctx, changing, { handler }));
  for (let i = 0; i < 2; i++) {
    deployed.maxParallelism = 0;
    const paused = await begin("main");
    await advance(60_000);
    expect(await statusOf(t, paused)).toMatchObject({ type: "inProgress" });
    deployed.maxParallelism = 25;
    // A run that enqueues nothing.
    await begin("other");
    await drain();
    expect(await poolConfig(t)).toMatchObject({ maxParallelism: 25 });
    expect(await statusOf(t, paused)).toMatchObject({ type: "completed" });
  }
});

test("a pool without settings is configured once, and prints nothing", async () => {
  const t = newBackend();
  await startOf(t, workflows.workflow);
  expect(await poolConfig(t)).toMatchObject({
    maxParallelism: 25,
    logLevel: "WARN",
  });
  const before = await rows(t, "config");
  await startOf(t, workflows.workflow);
  expect(await rows(t, "config")).toEqual(before);
});

describe("managers of one component", () => {
  test("that agree are not warned", async () => {
    const t = newBackend();
    await startOf(t, three);
    await startOf(t, three);
    await startOf(t, workflows.workflow);
    expect(heard.said).toEqual([]);
  });

  test("that disagree get one warning that names both values", async () => {
    const t = newBackend();
    for (let times = 0; times < 3; times++)
      for (const workflow of [three, seven]) await startOf(t, workflow);
    expect(heard.said).toHaveLength(1);
    expect(heard.said[0]).toMatch(/maxParallelism.*\b3\b.*\b7\b/);
  });

  test("get one more warning for each further value", async () => {
    const t = newBackend();
    for (const workflow of [three, seven, nine, nine, seven, three])
      await startOf(t, workflow);
    expect(heard.said).toHaveLength(2);
    expect(heard.said[1]).toMatch(/maxParallelism.*\b9\b/);
  });

  test("are warned of started runs only: after a refused start, the next one warns", async () => {
    const t = newBackend();
    await startOf(t, three);
    await t
      .mutation(async (ctx) => {
        await start(ctx, seven, { handler: "main" });
        throw new Error("changed my mind");
      })
      .catch(() => undefined);
    heard.said = [];
    await startOf(t, seven);
    expect(heard.said).toHaveLength(1);
  });
});

describe("starts don't contend on the config row:", () => {
  const written = (t: Backend, maxParallelism?: number) =>
    t.mutation(async (ctx) => {
      await ctx.runMutation(components.workflow.workflow.create, {
        workflowName: "w",
        workflowHandle: "function://;workflows:workflow",
        workflowArgs: {},
        createOnly: true,
        maxParallelism,
      });
      const { documentsWritten } = await ctx.meta.getTransactionMetrics();
      return documentsWritten.used;
    });

  test("once a value has been seen, a start writes the run and nothing else", async () => {
    const t = newBackend();
    await startOf(t, three);
    await startOf(t, seven);
    for (const value of [3, 7, undefined, 3])
      expect(await written(t, value)).toBe(1);
    expect(await rows(t, "config")).toMatchObject([
      { managerParallelism: [3, 7] },
    ]);
  });

  test("a start of a manager that passes no value writes nothing else", async () => {
    const t = newBackend();
    const before = await rows(t, "config");
    await runHandler(t, async () => 1);
    expect(await written(t)).toBe(1);
    expect(await rows(t, "config")).toEqual(before);
  });
});

describe("an invalid maxParallelism", () => {
  test.each([-1, 1.5, 201, NaN])(
    "(%d) is refused when a run is started, and nothing is changed",
    async (maxParallelism) => {
      const t = newBackend();
      const before = await everyRow(t);
      await expect(
        t.mutation((ctx) =>
          ctx.runMutation(components.workflow.workflow.create, {
            workflowName: "w",
            workflowHandle: "function://;workflows:workflow",
            workflowArgs: {},
            startAsync: true,
            maxParallelism,
          }),
        ),
      ).rejects.toThrow(`Invalid maxParallelism: ${maxParallelism}`);
      expect(await everyRow(t)).toEqual(before);
    },
  );
});

test("a manager keeps its options", () => {
  const options = { workpoolOptions: { maxParallelism: 4 } };
  const manager = new WorkflowManager(components.workflow, options);
  expect(manager.options).toEqual(options);
});

test("zero stops new work until it is raised, which takes effect at once", async () => {
  const t = newBackend();
  await store(t, 0);
  const id = await startHandler(t, (step) =>
    step.runAction(steps.echoAction, { value: 1 }),
  );
  await advance(100_000);
  expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
  await store(t, 5);
  await drain();
  expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
});
