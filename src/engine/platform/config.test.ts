import { afterEach, describe, expect, test, vi } from "vitest";
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
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { deployed } from "../../testing/app/managed.js";
import { completed } from "../../testing/statuses.js";
import { expectRefused } from "../../testing/directCalls.js";
import { start, WorkflowManager } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const { three, seven, nine, changing } = app.managed;
const { workflow: usual } = workflows;
type Workflow = typeof usual;

afterEach(() => {
  delete deployed.maxParallelism;
  delete deployed.logLevel;
});

/** Starts a run of a manager's workflow, with one action unless the test scripts another handler. */
async function begin(
  t: Backend,
  workflow: Workflow,
  handler = "action",
  options?: { startAsync: boolean },
) {
  script("handler", "action", (step) =>
    step.runAction(steps.echoAction, { value: 1 }),
  );
  return await t.mutation((ctx) => start(ctx, workflow, { handler }, options));
}

async function run(t: Backend, ...managers: Workflow[]) {
  for (const workflow of managers) {
    await begin(t, workflow);
    await drain();
  }
}

type Changes = { logLevel?: never; maxParallelism?: number };
const update = (t: Backend, changes: object) =>
  callInternal(t, internal.utils.updateConfig, changes as Changes);

async function parallelism(t: Backend) {
  const { maxParallelism } = await poolConfig(t);
  return maxParallelism;
}

describe("utils:updateConfig", () => {
  test("stores the given settings in one row, keeps the others, and updates the pool at once", async () => {
    const t = newBackend();
    for (const [changes, stored] of [
      [{ maxParallelism: 50 }, { maxParallelism: 50 }],
      [{ logLevel: "ERROR" }, { maxParallelism: 50, logLevel: "ERROR" }],
      [{ maxParallelism: 7 }, { maxParallelism: 7, logLevel: "ERROR" }],
      [{}, { maxParallelism: 7, logLevel: "ERROR" }],
    ]) {
      await update(t, changes!);
      const [row, ...more] = await rows(t, "config");
      const { logLevel, maxParallelism } = row!;
      expect({ logLevel, maxParallelism }).toEqual(stored);
      expect(more).toEqual([]);
      expect(await poolConfig(t)).toMatchObject(stored!);
    }
    await run(t, usual);
    const kept = { maxParallelism: 7, logLevel: "ERROR" };
    expect(await poolConfig(t)).toMatchObject(kept);
  });

  const invalid = (given: number) =>
    `Invalid maxParallelism: ${given}. Expected a whole number from 0 to 200.`;
  test.each<[object, string | RegExp]>([
    [{ maxParallelism: -1 }, invalid(-1)],
    [{ maxParallelism: 2.5 }, invalid(2.5)],
    [{ maxParallelism: 201 }, invalid(201)],
    [{ logLevel: "LOUD" }, /Validator|Expected/],
    [{ unknown: 1 }, /Validator|Unexpected/],
  ])("refuses %j and changes nothing", async (changes, message) => {
    const t = newBackend();
    await update(t, { maxParallelism: 10 });
    await expectRefused(t, message, () => update(t, changes));
  });
});

describe("the log level", () => {
  test("is WARN by default, so a healthy run prints nothing, and its pool is configured once", async () => {
    const t = newBackend();
    const info = vi.spyOn(console, "info");
    const log = vi.spyOn(console, "log");
    await run(t, usual);
    const usualConfig = { maxParallelism: 25, logLevel: "WARN" };
    expect(await poolConfig(t)).toMatchObject(usualConfig);
    const before = await rows(t, "config");
    await run(t, usual);
    expect(await rows(t, "config")).toEqual(before);
    expect(heard.said).toEqual([]);
    expect(info).not.toHaveBeenCalled();
    expect(log).not.toHaveBeenCalled();
  });

  test("at ERROR still prints errors that need an operator", async () => {
    const t = newBackend();
    await update(t, { logLevel: "ERROR" });
    await callInternal(t, internal.pool.onComplete, {
      workId: "w" as never,
      result: { kind: "canceled" },
      context: "unknown",
    });
    expect(heard.said).toEqual([
      expect.stringContaining("onCompleteFailures") as string,
    ]);
  });
});

test.each<[string, { stored?: number; workflow: Workflow; atATime: number }]>([
  ["25 unless configured, not ten", { workflow: usual, atATime: 25 }],
  [
    "the value that utils:updateConfig stored",
    { stored: 6, workflow: usual, atATime: 6 },
  ],
  [
    "the manager's value rather than the stored one",
    { stored: 6, workflow: seven, atATime: 7 },
  ],
])("as many steps run at a time as is %s", async (_what, scene) => {
  const t = newBackend();
  const { stored, workflow, atATime } = scene;
  if (stored) await update(t, { maxParallelism: stored });
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
  const id = await begin(t, workflow, "many");
  await advance(10_000);
  expect(running).toBe(atATime);
  open(null);
  await drain();
  expect(await statusOf(t, id)).toEqual(completed(40));
});

test("a manager's value also applies to runs that start through the pool", async () => {
  const t = newBackend();
  script("handler", "sleeps", (step) => step.sleep(10));
  await begin(t, seven, "sleeps", { startAsync: true });
  await drain();
  expect(await parallelism(t)).toBe(7);
});

describe("a value that earlier calls passed", () => {
  test("is replaced once utils:updateConfig sets another", async () => {
    const t = newBackend();
    deployed.maxParallelism = 7;
    await run(t, changing);
    delete deployed.maxParallelism;
    await update(t, { maxParallelism: 2 });
    await run(t, changing);
    expect(await parallelism(t)).toBe(2);
  });

  test("applies to managers that pass none until another value is passed", async () => {
    const t = newBackend();
    deployed.logLevel = "ERROR";
    for (const n of [3, 7, 3]) {
      deployed.maxParallelism = n;
      await run(t, changing, usual);
      const passed = { maxParallelism: n, logLevel: "ERROR" };
      expect(await poolConfig(t)).toMatchObject(passed);
    }
  });

  test("doesn't return when a run from that time is retried", async () => {
    const t = newBackend();
    let attempts = 0;
    script("action", "flaky", () => {
      if (++attempts < 3) throw new Error("flaky");
      return "ok";
    });
    const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
    script("handler", "flaky", (step) =>
      step.runAction(steps.action, { name: "flaky" }, { retry }),
    );
    deployed.maxParallelism = 0;
    const paused = await begin(t, changing, "flaky");
    await advance(5000);
    expect(attempts).toBe(0);
    deployed.maxParallelism = 25;
    await run(t, changing);
    expect(await statusOf(t, paused)).toEqual(completed("ok"));
    expect(await parallelism(t)).toBe(25);
  });
});

test.each([
  ["whatever managers pass", seven],
  ["and ends at once", usual],
])(
  "an operator's pause holds until the operator lifts it, %s",
  async (_what, workflow) => {
    const t = newBackend();
    await run(t, workflow);
    await update(t, { maxParallelism: 0 });
    const id = await begin(t, workflow);
    await advance(100_000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    expect(await parallelism(t)).toBe(0);
    await update(t, { maxParallelism: 5 });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(1));
  },
);

test("a manager's pause ends each time the manager is deployed with another value", async () => {
  const t = newBackend();
  script("handler", "other", (step) =>
    step.runMutation(steps.echo, { value: 1 }),
  );
  for (let i = 0; i < 2; i++) {
    deployed.maxParallelism = 0;
    const paused = await begin(t, changing);
    await advance(60_000);
    expect(await statusOf(t, paused)).toMatchObject({ type: "inProgress" });
    deployed.maxParallelism = 25;
    // This run enqueues nothing.
    await begin(t, changing, "other");
    await drain();
    expect(await parallelism(t)).toBe(25);
    expect(await statusOf(t, paused)).toEqual(completed(1));
  }
});

describe("managers of one component", () => {
  test.each<[string, Workflow[], RegExp[]]>([
    ["that agree are not warned", [three, three, usual], []],
    [
      "that disagree get one warning that names both values",
      [three, seven, three, seven, three, seven],
      [/maxParallelism.*\b3\b.*\b7\b/],
    ],
    [
      "get one more warning for each further value",
      [three, seven, nine, nine, seven, three],
      [/\b3\b.*\b7\b/, /maxParallelism.*\b9\b/],
    ],
  ])("%s", async (_title, managers, warnings) => {
    const t = newBackend();
    await run(t, ...managers);
    expect(heard.said).toEqual(
      warnings.map((warning) => expect.stringMatching(warning) as string),
    );
  });

  test("are warned about started runs only, so after a refused start, the next one warns", async () => {
    const t = newBackend();
    await run(t, three);
    await t
      .mutation(async (ctx) => {
        await start(ctx, seven, { handler: "action" });
        throw new Error("changed my mind");
      })
      .catch(() => undefined);
    heard.said = [];
    await run(t, seven);
    expect(heard.said).toHaveLength(1);
  });
});

/** Creates a run like a manager with this value, and counts the writes of its transaction. */
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

test("starts don't contend on the config row, because without a new value a start writes only the run", async () => {
  const t = newBackend();
  const before = await rows(t, "config");
  await runHandler(t, async () => 1);
  expect(await written(t)).toBe(1);
  expect(await rows(t, "config")).toEqual(before);
  await run(t, three, seven);
  for (const value of [3, 7, undefined, 3])
    expect(await written(t, value)).toBe(1);
  expect(await rows(t, "config")).toMatchObject([
    { managerParallelism: [3, 7] },
  ]);
});

test.each([-1, 1.5, 201, NaN])(
  "an invalid maxParallelism (%d) is refused without changes when a run starts",
  async (maxParallelism) => {
    const t = newBackend();
    const message = `Invalid maxParallelism: ${maxParallelism}`;
    await expectRefused(t, message, () => written(t, maxParallelism));
  },
);

test("a manager keeps its options", () => {
  const options = { workpoolOptions: { maxParallelism: 4 } };
  const manager = new WorkflowManager(components.workflow, options);
  expect(manager.options).toEqual(options);
});
