import { describe, expect, test, vi } from "vitest";
import { Calls, type WatchedCall } from "../../testing/calls.js";
import {
  advance,
  components,
  drain,
  endings,
  inComponent,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  useBackend,
  type Backend,
  type Modules,
} from "../../testing/harness.js";
import { cancel as cancelRun } from "../../client/index.js";
import { delayFirstCall } from "../../testing/delays.js";
import { cancel, insertRun, listenToConsole } from "../../testing/managing.js";
import {
  act,
  cancelPending,
  pending,
  recoverAll,
  slow,
  times,
} from "../../testing/scenes.js";
import { completed, failed } from "../../testing/statuses.js";
import { internal } from "../../component/_generated/api.js";
import { schedulePending, watch } from "../platform/scheduler.js";
import { HOUR, MINUTE } from "../../testing/units.js";
import { wrapFunctions } from "../../testing/wrapFunctions.js";

useBackend();
const heard = listenToConsole();

/** Returns a handler that no longer asks for its recorded steps. */
async function startDiverging(t: Backend) {
  let replays = 0;
  return await startHandler(
    t,
    (step) => step.sleep(100, { name: replays++ === 0 ? "first" : "other" }),
    { context: "mine" },
  );
}

/** Starts a run whose next turn or end is due in `ms`. The watchdog checks after a minute. */
async function pendingRun(t: Backend, ms: number, error?: string) {
  const id = await insertRun(t);
  await inComponent(t, async (ctx) => {
    const workflowId = id as never;
    const turn = { workflowId, generationNumber: 0 };
    const result = error ? { kind: "failed" as const, error } : undefined;
    const scheduledId = await ctx.scheduler.runAfter(ms, internal.turns.take, {
      ...turn,
      result,
    });
    const checkId = await watch(ctx, scheduledId, { ...turn, result });
    await ctx.db.patch("workflows", workflowId, {
      pendingTurn: { scheduledId, checkId },
    });
  });
  return id;
}

describe("a function that is still pending after hours", () => {
  test("isn't considered dead, and the run ends as planned", async () => {
    const t = newBackend();
    const id = await pendingRun(t, 20 * MINUTE, "as it was to");
    await advance(19 * MINUTE);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await drain();
    expect(await statusOf(t, id)).toEqual(failed("as it was to"));
    expect(heard.said).toEqual([]);
  });

  test("is also performed by an action once, and an operator is warned", async () => {
    const t = newBackend();
    let turns = 0;
    script("handler", "main", async () => ++turns);
    const id = await pendingRun(t, 9 * HOUR);
    await advance(HOUR);
    expect(await statusOf(t, id)).toEqual(completed(1));
    expect(heard.said).toEqual([
      expect.stringMatching(
        new RegExp(`A turn of workflow ${id}.* has been due for \\d+ minutes`),
      ) as string,
    ]);
    await drain();
    expect(turns).toBe(1);
  });

  test("is checked less and less often", async () => {
    const calls = new Calls(({ path }) => {
      if (path === "turns:takeNow") throw new Error("No room for an action");
    });
    const t = newBackend({ wrap: calls.wrap });
    vi.spyOn(console, "error").mockImplementation(() => {});
    script("handler", "main", async () => "done");
    const id = await pendingRun(t, 5 * HOUR);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("done"));
    expect(calls.of("turns:look").length).toBeLessThanOrEqual(5 * 6 + 6);
  });
});

test.each([
  ["turn", undefined, completed("done")],
  ["end", "its end", failed("its end")],
])(
  "a %s that an operator canceled is scheduled again",
  async (_what, error, status) => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await pendingRun(t, HOUR, error);
    expect(await cancelPending(t, /:take$/)).toBe(1);
    await drain();
    expect(await statusOf(t, id)).toEqual(status);
  },
);

describe("work that continues in a separate transaction", () => {
  /** Cancels a run with more steps in flight than one transaction releases. `before` may make the rest fail. */
  async function cancelWide(before: (call: WatchedCall) => void = () => {}) {
    const calls = new Calls(before);
    const t = newBackend({ wrap: calls.wrap });
    const id = await startHandler(t, async (step) => {
      await Promise.all(times(150, () => step.sleep(HOUR)));
    });
    await cancel(t, id);
    return { t, calls };
  }

  const expectDone = async (t: Backend) => {
    expect(await rows(t, "tasks")).toEqual([]);
    expect(await pending(t)).toEqual([]);
  };

  test("is done at once, and its watchdog ends", async () => {
    const { t, calls } = await cancelWide();
    await advance(1);
    expect(calls.of("turns:perform")).toHaveLength(1);
    expect(calls.of("turns:look")).toEqual([]);
    await expectDone(t);
  });

  test("is scheduled again if an operator cancels it", async () => {
    const { t } = await cancelWide();
    expect(await cancelPending(t, /:perform$/)).toBe(1);
    await advance(59_000);
    expect(await rows(t, "tasks")).toHaveLength(1);
    await advance(2000);
    await expectDone(t);
  });

  test("is retried if its transaction crashes, and the log has the cause", async () => {
    let deaths = 0;
    const { t } = await cancelWide(({ path }) => {
      if (path === "turns:perform" && ++deaths <= 2) throw new Error("died");
    });
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    await advance(3 * MINUTE);
    expect(deaths).toBe(3);
    await expectDone(t);
    expect(error.mock.calls.flat().join()).toMatch(
      /A task of the kind "cancel" crashed and is retried: .*died/,
    );
  });
});

/** Cancels a run in a transaction with too little left to call its onComplete. */
async function cancelAtTheLimit(t: Backend) {
  const id = await startHandler(t, (step) => step.sleep(HOUR), {
    context: "mine",
  });
  await t.mutation(async (ctx) => {
    for (let range = 0; range < 4096 - 80; range++)
      await ctx.db.query("effects").take(1);
    await cancelRun(ctx, components.workflow, id);
  });
  expect(await statusOf(t, id)).toEqual({ type: "canceled" });
  expect(await endings(t)).toEqual([]);
  return id;
}

describe.each([
  ["the end of a run that can't continue", "turns:take", startDiverging],
  [
    "an onComplete that waits for a transaction of its own",
    "turns:perform",
    cancelAtTheLimit,
  ],
])("%s", (_what, path, begin) => {
  test.each([0, 59_000, 70_000, 5 * HOUR])(
    "%d ms late, calls onComplete once",
    async (ms) => {
      const isLate = (args: object) =>
        begin !== startDiverging || "result" in args;
      const t = newBackend({
        transactionLimits: true,
        wrap: delayFirstCall(path, ms, isLate),
      });
      const workflowId = await begin(t);
      await drain();
      const { type } = await statusOf(t, workflowId);
      expect(type).toBe(begin === startDiverging ? "failed" : "canceled");
      expect(await endings(t)).toMatchObject([
        { workflowId, context: "mine", result: { kind: type } },
      ]);
      expect(await rows(t, "onCompleteFailures")).toEqual([]);
    },
  );
});

describe("an onComplete that waits for a transaction of its own", () => {
  test("is called once even if an operator cancels its job and its watchdog", async () => {
    const t = newBackend({ transactionLimits: true });
    await cancelAtTheLimit(t);
    await cancelPending(t, /^turns:(perform|look)$/);
    await drain();
    expect(await endings(t)).toEqual([]);
    expect(await recoverAll(t)).toBe(1);
    await drain();
    expect(await endings(t)).toHaveLength(1);
    expect(await recoverAll(t)).toBe(0);
  });

  test("is kept as a failure and not called again if its transaction crashes", async () => {
    let deaths = 0;
    const calls = new Calls(({ path }) => {
      if (path !== "turns:perform" || deaths === 2) return;
      deaths++;
      throw new Error("died");
    });
    const t = newBackend({ transactionLimits: true, wrap: calls.wrap });
    vi.spyOn(console, "error").mockImplementation(() => {});
    const id = await cancelAtTheLimit(t);
    await drain();
    expect(deaths).toBe(1);
    expect(await endings(t)).toEqual([]);
    expect(await rows(t, "tasks")).toEqual([]);
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      {
        workflowId: id,
        runResult: { kind: "canceled" },
        error: expect.stringContaining("crashed") as string,
      },
    ]);
  });
});

const connectionLost = {
  runAfter: () => Promise.reject(new Error("Connection lost")),
};

/** Runs a driver whose scheduler calls are lost. */
const losesSchedule = (modules: Modules): Modules =>
  wrapFunctions(
    modules,
    (path, { _handler }) =>
      (ctx, args) =>
        _handler(
          path === "driving:drive"
            ? { ...ctx, scheduler: connectionLost }
            : ctx,
          args,
        ),
  );

test.each([
  [
    "however late the driver reports it",
    57_000,
    delayFirstCall("driving:fallBackToPool", 5 * HOUR),
  ],
  ["though the driver can't schedule its report", 0, losesSchedule],
])(
  "a known outcome is recorded %s, and the action runs once",
  async (_what, ms, hinders) => {
    const calls = new Calls(({ component, args }) => {
      if (component === "" && args["drive"]) throw new Error("The turn fails");
    });
    const t = newBackend({
      execution: "driver",
      wrap: (modules, component) =>
        hinders(calls.wrap(modules, component), component),
    });
    const begun = slow("charge", ms);
    const id = await startHandler(t, (step) =>
      act(step, "charge", { retry: true }),
    );
    await drain();
    expect(begun).toHaveLength(1);
    expect(await statusOf(t, id)).toEqual(completed("charge"));
  },
);

test("a driver's ended job is dead only if a second check also finds no result", async () => {
  const t = newBackend({
    execution: "driver",
    wrap: (modules, component) => {
      const calls = new Calls(({ path, args }) => {
        if (args["drive"]) throw new Error("The turn fails");
        if (path === "driving:onComplete") throw new Error("Not told");
      });
      return delayFirstCall("driving:fallBackToPool", 20_000)(
        calls.wrap(modules, component),
        component,
      );
    },
  });
  vi.spyOn(console, "error").mockImplementation(() => {});
  slow("slow", 55_000);
  const id = await startHandler(t, (step) => act(step, "slow"));
  await drain();
  expect(await statusOf(t, id)).toEqual(completed("slow"));
});

test("a scheduled function knows whether it was born canceled", async () => {
  const t = newBackend();
  const id = await insertRun(t);
  const scheduled = await inComponent(t, (ctx) =>
    schedulePending(ctx as never, {
      workflowId: id as never,
      generationNumber: 0,
    }),
  );
  expect(scheduled.isLost).toBeUndefined();
});
