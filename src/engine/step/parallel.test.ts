import { describe, expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  components,
  drain,
  effects,
  endings,
  journal,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { gate, jobs, listenToConsole } from "../../testing/managing.js";
import { sendEvent, type WorkflowCtx } from "../../client/index.js";

useBackend();
listenToConsole();

const MINUTE = 60_000;

/** Counts the turns of a run: each executes the handler once. */
function counting(handler: Handler) {
  const counted = {
    turns: 0,
    handler: (async (step, input) => {
      counted.turns++;
      return await handler(step, input);
    }) as Handler,
  };
  return counted;
}

async function runCounting(t: Backend, handler: Handler) {
  const counted = counting(handler);
  const { status, workflowId } = await runHandler(t, counted.handler);
  return { status, workflowId, turns: counted.turns };
}

const echo = (step: WorkflowCtx, value: unknown, minutes = 0) =>
  step.runMutation(steps.echo, { value }, { runAfter: minutes * MINUTE });
const fail = (step: WorkflowCtx, message: string, minutes = 0) =>
  step.runMutation(steps.fail, { message }, { runAfter: minutes * MINUTE });

describe("Promise.race continues at the first result", () => {
  const waiting: Handler = (step) =>
    Promise.race([
      step.awaitEvent({ name: "news" }).then(() => "event"),
      step.sleep(10 * MINUTE).then(() => "sleep"),
    ]);

  test("of a sleep, when no event comes", async () => {
    const t = newBackend();
    const id = await startHandler(t, waiting);
    await advance(11 * MINUTE);
    expect(await statusOf(t, id)).toEqual(completed("sleep"));
  });

  test("of an event, long before the sleep is over", async () => {
    const t = newBackend();
    const id = await startHandler(t, waiting);
    await advance(MINUTE);
    await t.mutation((ctx) =>
      sendEvent(ctx, components.workflow, { workflowId: id, name: "news" }),
    );
    await advance(MINUTE);
    expect(await statusOf(t, id)).toEqual(completed("event"));
  });

  test("of the quicker of two actions, and the other still finishes", async () => {
    const t = newBackend();
    const slow = gate();
    script("action", "slow", () => slow.passed);
    const id = await startHandler(t, async (step) => {
      const first = await Promise.race([
        step.runAction(steps.action, { name: "slow" }),
        step.runAction(steps.echoAction, { value: "quick" }),
      ]);
      await echo(step, first);
      await step.sleep(10 * MINUTE);
      return first;
    });
    await advance(MINUTE);
    expect(await effects(t)).toEqual(["quick"]);
    slow.open("slow");
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: "quick" });
    const [loser] = await journal(t, id);
    expect(loser!.step.runResult).toEqual({
      kind: "success",
      returnValue: "slow",
    });
  });

  test("and later results cost no turn", async () => {
    const { status, turns } = await runCounting(newBackend(), async (step) => {
      const first = await Promise.race(
        [1, 2, 3, 4].map((n) => echo(step, n, n)),
      );
      await step.sleep(10 * MINUTE);
      return first;
    });
    expect(status).toMatchObject({ result: 1 });
    expect(turns).toBe(3);
  });

  test("and a failure is a result", async () => {
    const { status } = await runCounting(newBackend(), (step) =>
      Promise.race([fail(step, "lost", 1), echo(step, 1, 2)]),
    );
    expect(status).toEqual(failed("lost"));
  });
});

describe("branches", () => {
  test("one continues while the other is busy", async () => {
    const t = newBackend();
    const busy = gate();
    script("action", "busy", () => busy.passed);
    const id = await startHandler(t, async (step) => {
      const quick = async () => {
        for (let n = 1; n <= 3; n++) await echo(step, n);
        return "quick done";
      };
      return await Promise.all([
        step.runAction(steps.action, { name: "busy" }),
        quick(),
      ]);
    });
    await advance(MINUTE);
    expect(await effects(t)).toEqual([1, 2, 3]);
    expect(await statusOf(t, id)).toMatchObject({
      type: "inProgress",
      running: [{ name: "steps:action" }],
    });
    busy.open("busy done");
    await drain();
    expect(await statusOf(t, id)).toMatchObject({
      result: ["busy done", "quick done"],
    });
  });

  test("many of several steps each end with their own results", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, (step) =>
      Promise.all(
        Array.from({ length: 12 }, async (_, branch) => {
          let sum = 0;
          for (let n = 0; n < 4; n++) {
            for (let hop = 0; hop < branch * n; hop++) await Promise.resolve();
            const value = branch * 100 + n;
            const kinds = [
              () => step.runMutation(steps.echo, { value }),
              () => step.runQuery(steps.echoQuery, { value }),
              () => step.runAction(steps.echoAction, { value }),
            ];
            sum += (await kinds[(branch + n) % 3]!()) as number;
          }
          return sum;
        }),
      ),
    );
    expect(status).toMatchObject({
      result: Array.from({ length: 12 }, (_, branch) => branch * 400 + 6),
    });
  });

  test("nested workflows run side by side", async () => {
    const t = newBackend();
    script("handler", "child", async (step, n: number) => {
      await step.sleep(n * MINUTE);
      return await echo(step, n);
    });
    const { status } = await runHandler(t, (step) =>
      Promise.all(
        [3, 1, 2].map((input) =>
          step.runWorkflow(workflows.workflow, { handler: "child", input }),
        ),
      ),
    );
    expect(status).toMatchObject({ result: [3, 1, 2] });
    expect(await effects(t)).toEqual([1, 2, 3]);
  });
});

describe("a combinator over steps takes one turn when it settles", () => {
  const many = [5, 1, 4, 2, 3];

  test("Promise.all, when the last result is in", async () => {
    const { status, turns } = await runCounting(newBackend(), (step) =>
      Promise.all(many.map((n) => echo(step, n, n))),
    );
    expect(status).toMatchObject({ result: many });
    expect(turns).toBe(2);
  });

  test("Promise.all, when the first fails, and the others continue", async () => {
    const t = newBackend();
    const counted = counting(async (step) => {
      await Promise.all([
        ...many.map((n) => echo(step, n, n)),
        fail(step, "at once"),
      ]);
    });
    const id = await startHandler(t, counted.handler);
    await advance(MINUTE / 2);
    expect(await statusOf(t, id)).toEqual(failed("at once"));
    expect(counted.turns).toBe(2);
    await drain();
    expect(await effects(t)).toEqual([1, 2, 3, 4, 5]);
    expect(counted.turns).toBe(2);
  });

  test("Promise.all over steps of every kind", async () => {
    const t = newBackend();
    script("handler", "child", async () => "child");
    const counted = counting((step) =>
      Promise.all([
        step.runQuery(steps.echoQuery, { value: 1 }),
        echo(step, 2, 1),
        step.runAction(steps.echoAction, { value: 3 }),
        step.sleep(MINUTE),
        step.awaitEvent({ name: "news" }),
        step.runWorkflow(workflows.workflow, { handler: "child" }),
      ]).then((all) => all.length),
    );
    const id = await startHandler(t, counted.handler);
    await drain();
    expect(counted.turns).toBe(1);
    await t.mutation((ctx) =>
      sendEvent(ctx, components.workflow, { workflowId: id, name: "news" }),
    );
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(6));
    expect(counted.turns).toBe(2);
  });

  test("Promise.allSettled, when the last result is in, failures too", async () => {
    const { status, turns } = await runCounting(newBackend(), async (step) => {
      const settled = await Promise.allSettled(
        many.map((n) => (n % 2 ? fail(step, `${n}`, n) : echo(step, n, n))),
      );
      return settled.map(({ status }) => status);
    });
    const r = "rejected";
    const f = "fulfilled";
    expect(status).toMatchObject({ result: [r, r, f, f, r] });
    expect(turns).toBe(2);
  });

  test("Promise.any, at the first success", async () => {
    const { status, turns } = await runCounting(newBackend(), async (step) => {
      const first = await Promise.any(
        many.map((n) => (n < 3 ? fail(step, `${n}`, n) : echo(step, n, n))),
      );
      await step.sleep(10 * MINUTE);
      return first;
    });
    expect(status).toMatchObject({ result: 3 });
    expect(turns).toBe(3);
  });

  test("Promise.any, when the last has failed", async () => {
    const { status, turns } = await runCounting(newBackend(), async (step) => {
      try {
        return await Promise.any(many.map((n) => fail(step, `${n}`, n)));
      } catch (error) {
        return (error as AggregateError).errors.map((e: Error) => e.message);
      }
    });
    expect(status).toMatchObject({ result: many.map(String) });
    expect(turns).toBe(2);
  });

  test("in a chain of them, one each", async () => {
    const { turns } = await runCounting(newBackend(), async (step) => {
      for (let round = 0; round < 3; round++)
        await Promise.all(many.map((n) => echo(step, n, n)));
    });
    expect(turns).toBe(4);
  });

  test("two at a time: each wakes for its own members", async () => {
    const { status, turns } = await runCounting(newBackend(), async (step) => {
      const shown: string[] = [];
      await Promise.all([
        Promise.all([echo(step, 1, 1), echo(step, 2, 2)]).then(() =>
          shown.push("early"),
        ),
        Promise.all([echo(step, 3, 3), echo(step, 4, 4)]).then(() =>
          shown.push("late"),
        ),
      ]);
      return shown;
    });
    expect(status).toMatchObject({ result: ["early", "late"] });
    expect(turns).toBe(3);
  });
});

describe("steps that are not awaited", () => {
  test("don't wake the handler, and are recorded", async () => {
    const { turns, status, workflowId } = await (async () => {
      const t = newBackend();
      const counted = await runCounting(t, async (step) => {
        for (const n of [1, 2, 3]) void echo(step, n, n);
        await step.sleep(10 * MINUTE);
        return "done";
      });
      expect(await effects(t)).toEqual([1, 2, 3]);
      return counted;
    })();
    expect(status).toMatchObject({ type: "completed", result: "done" });
    expect(workflowId).toBeDefined();
    expect(turns).toBe(2);
  });

  test("don't fail the run when they fail", async () => {
    const t = newBackend();
    const { status, workflowId } = await runHandler(t, async (step) => {
      void fail(step, "unheard");
      await step.sleep(MINUTE);
      await echo(step, 1);
      return "done";
    });
    expect(status).toEqual(completed("done"));
    const [row] = await journal(t, workflowId);
    expect(row!.step.runResult).toEqual({ kind: "failed", error: "unheard" });
  });

  test("can be awaited after they have completed", async () => {
    const { status } = await runCounting(newBackend(), async (step) => {
      const early = echo(step, "early");
      const failing = fail(step, "failed early");
      await step.sleep(MINUTE);
      return [await early, await failing.catch((e: Error) => e.message)];
    });
    expect(status).toMatchObject({ result: ["early", "failed early"] });
  });

  test("issued in the turn that ends the run are started, and their results wake and fail nothing", async () => {
    const t = newBackend();
    const counted = counting(async (step) => {
      void echo(step, "after the end", 1);
      void fail(step, "after the end", 1);
      return "done";
    });
    const id = await startHandler(t, counted.handler, { context: 1 });
    const done = { type: "completed", result: "done" };
    expect(await statusOf(t, id)).toEqual(done);
    await drain();
    expect(await effects(t)).toEqual(["after the end"]);
    expect(await statusOf(t, id)).toEqual(done);
    expect(await endings(t)).toHaveLength(1);
    expect(counted.turns).toBe(1);
    expect((await journal(t, id)).map(({ step }) => step.runResult)).toEqual([
      { kind: "success", returnValue: "after the end" },
      { kind: "failed", error: "after the end" },
    ]);
  });

  test("sleeps and event waits in flight at the end are dropped", async () => {
    const t = newBackend();
    await startHandler(t, async (step) => {
      await Promise.race([
        step.sleep(60 * MINUTE),
        step.awaitEvent({ name: "never", timeout: 60 * MINUTE }),
        step.runMutation(steps.echo, { value: 1 }),
      ]);
    });
    await advance(MINUTE);
    const scheduled = await t.run((ctx) =>
      ctx.db.system.query("_scheduled_functions").collect(),
    );
    const pending = scheduled.filter(({ state }) => state.kind === "pending");
    expect(pending).toEqual([]);
    expect(await jobs(t)).toEqual([]);
  });
});

describe("steps run at the same time:", () => {
  test("as many as the pool allows, not in rounds of ten", async () => {
    const t = newBackend();
    const all = gate();
    let running = 0;
    let most = 0;
    script("action", "waiting", async () => {
      most = Math.max(most, ++running);
      await all.passed;
      running--;
    });
    const id = await startHandler(t, (step) =>
      Promise.all(
        Array.from({ length: 40 }, () =>
          step.runAction(steps.action, { name: "waiting" }),
        ),
      ).then(() => "done"),
    );
    expect(await journal(t, id)).toHaveLength(40);
    await advance(5000);
    expect(most).toBe(25);
    all.open(null);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: "done" });
  });

  test.each([300, 1100])(
    "%d at once, within the limits of every transaction",
    async (count) => {
      const t = newBackend({ transactionLimits: true });
      const { status, turns, workflowId } = await runCounting(
        t,
        async (step) => {
          const values = await Promise.all(
            Array.from({ length: count }, (_, n) =>
              n % 2
                ? echo(step, n)
                : step.runQuery(steps.echoQuery, { value: n }),
            ),
          );
          return (values as number[]).reduce((sum, value) => sum + value);
        },
      );
      expect(status).toEqual(completed((count * (count - 1)) / 2));
      expect(await journal(t, workflowId)).toHaveLength(count);
      expect(await effects(t)).toHaveLength(count / 2);
      expect(turns).toBeLessThan(count / 50 + 5);
    },
    240_000,
  );
});
