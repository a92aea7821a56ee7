import { describe, expect, test } from "vitest";
import {
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
import { completed } from "../../testing/statuses.js";
import { counts, insertRun, listenToConsole } from "../../testing/managing.js";
import {
  cancel,
  cleanup,
  restart,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

// Steps that act on the run they belong to. (Events that they send: eventsOwnRun.test.ts.)

useBackend();
listenToConsole();

const { workflow } = components;

/** How a mutation step is run: by the pool, or inside the turn. */
const ways = [
  ["by the pool", false],
  ["inline", true],
] as const;

describe.each(ways)("a mutation that runs %s", (_way, inline) => {
  const act = (step: WorkflowCtx, name: string) => {
    const call = { name, input: step.workflowId };
    return inline
      ? step.runMutation(steps.mutation, call, { inline })
      : step.runMutation(steps.mutation, call);
  };
  const note = async (t: Backend) => (await effects(t)).join(" ");

  function scriptActs() {
    script("mutation", "cancel", async (ctx, id) => {
      await ctx.db.insert("effects", { key: "act", value: "canceled" });
      await cancel(ctx, workflow, id);
      return "canceled";
    });
    script("mutation", "cancel and restart", async (ctx, id) => {
      await ctx.db.insert("effects", { key: "act", value: "again" });
      await cancel(ctx, workflow, id);
      await restart(ctx, workflow, id, { startAsync: true });
      return "restarted";
    });
    script("mutation", "cancel and clean up", async (ctx, id) => {
      await ctx.db.insert("effects", { key: "act", value: "gone" });
      await cancel(ctx, workflow, id);
      return await cleanup(ctx, workflow, id);
    });
  }

  test("cancels its own run: it is canceled once, and the mutation's writes stay", async () => {
    const t = newBackend();
    scriptActs();
    const { status, workflowId } = await runHandler(
      t,
      async (step) => {
        await step.runMutation(steps.echo, { value: "before" });
        await act(step, "cancel");
        await step.runMutation(steps.echo, { value: "after" });
      },
      { context: "mine" },
    );
    expect(status).toEqual({ type: "canceled" });
    expect(await note(t)).toBe("before canceled");
    expect(await endings(t)).toMatchObject([
      { workflowId, result: { kind: "canceled" }, context: "mine" },
    ]);
  });

  test("cancels its own run while siblings are in flight: they don't run", async () => {
    const t = newBackend();
    scriptActs();
    const { status } = await runHandler(t, async (step) => {
      await step.sleep(1);
      await Promise.all([
        step.runMutation(
          steps.echo,
          { value: "sibling" },
          { runAfter: 60_000 },
        ),
        step.sleep(60_000),
        act(step, "cancel"),
      ]);
    });
    expect(status).toEqual({ type: "canceled" });
    expect(await note(t)).toBe("canceled");
  });

  test("cancels and restarts its own run: the mutation's result is kept, so it is not executed again", async () => {
    const t = newBackend();
    scriptActs();
    const { status, workflowId } = await runHandler(t, async (step) => {
      const first = await step.runMutation(steps.echo, { value: "before" });
      const second = await act(step, "cancel and restart");
      const third = await step.runMutation(steps.echo, { value: "after" });
      return [first, second, third];
    });
    expect(status).toEqual(completed(["before", "restarted", "after"]));
    expect(await note(t)).toBe("before again after");
    expect(await journal(t, workflowId)).toHaveLength(3);
  });

  test("as the run's first step, too", async () => {
    const t = newBackend();
    scriptActs();
    const { status } = await runHandler(t, async (step) => [
      await act(step, "cancel and restart"),
      await step.runMutation(steps.echo, { value: "after" }),
    ]);
    expect(status).toEqual(completed(["restarted", "after"]));
    expect(await note(t)).toBe("again after");
  });

  test("with steps asked for beside it, which the restart starts again", async () => {
    const t = newBackend();
    scriptActs();
    const { status } = await runHandler(t, (step) =>
      Promise.all([
        step.runMutation(steps.echo, { value: "early" }, { runAfter: 5000 }),
        act(step, "cancel and restart"),
        step.runAction(steps.echoAction, { value: "late" }),
      ]),
    );
    expect(status).toEqual(completed(["early", "restarted", "late"]));
    expect(await note(t)).toBe("again early");
  });

  test("restarts its own run in several transactions", async () => {
    const t = newBackend();
    scriptActs();
    const { status } = await runHandler(t, async (step) => {
      const { length } = await Promise.all(
        Array.from({ length: 300 }, (_, value) =>
          step.runQuery(steps.echoQuery, { value }, { inline: true }),
        ),
      );
      return [length, await act(step, "cancel and restart")];
    });
    expect(status).toEqual(completed([300, "restarted"]));
    expect(await note(t)).toBe("again");
  });

  test("cancels and cleans up its own run: nothing is left", async () => {
    const t = newBackend();
    scriptActs();
    const id = await startHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: "before" });
      void step.sleep(60_000);
      await act(step, "cancel and clean up");
      await step.runMutation(steps.echo, { value: "after" });
    });
    await drain();
    await expect(statusOf(t, id)).rejects.toThrow(id);
    expect(await counts(t)).toEqual({});
    expect(await note(t)).toBe("before gone");
  });
});

describe.each(["driver", "pool"] as const)(
  "an inline step that finds its own run in a table (%s)",
  (execution) => {
    /** The run's id is stored under an order, not given to the step. */
    async function runOfOrder(handler: (step: WorkflowCtx) => unknown) {
      const t = newBackend({ execution });
      script("mutation", "of order", async (ctx, act) => {
        const effects = await ctx.db.query("effects").collect();
        const order = effects.find(({ key }) => key === "order");
        const id = order!.value as WorkflowId;
        await cancel(ctx, workflow, id);
        if (act !== "cancel") await restart(ctx, workflow, id, act);
      });
      const id = await startHandler(t, async (step) => {
        await step.sleep(1000);
        return await handler(step);
      });
      await t.run((ctx) =>
        ctx.db.insert("effects", { key: "order", value: id }),
      );
      await drain();
      const done = (await effects(t)).filter((value) => value !== id);
      return { t, id, done, status: await statusOf(t, id) };
    }
    const inline = { inline: true };
    const actOn = (step: WorkflowCtx, input: unknown) =>
      step.runMutation(steps.mutation, { name: "of order", input }, inline);
    const echo = (step: WorkflowCtx, value: string) =>
      step.runMutation(steps.echo, { value }, inline);

    test("and cancels it: no inline step begins after it", async () => {
      const { done, status } = await runOfOrder(async (step) => {
        await echo(step, "before");
        await Promise.all([actOn(step, "cancel"), echo(step, "beside")]);
        await echo(step, "after");
      });
      expect(status).toEqual({ type: "canceled" });
      expect(done).toEqual(["before"]);
    });

    test("and restarts it: each following step runs once, and none runs again", async () => {
      const { t, id, done, status } = await runOfOrder(async (step) => {
        await echo(step, "before");
        await actOn(step, { startAsync: true });
        await echo(step, "after");
        return "done";
      });
      expect(status).toEqual(completed("done"));
      expect(done).toEqual(["before", "after"]);
      expect(await journal(t, id)).toHaveLength(4);
    });

    test("and restarts it at once although steps before it are not recorded: nothing of that turn happens", async () => {
      let acts = 0;
      const { done, status } = await runOfOrder(async (step) => {
        await echo(step, "before");
        if (acts++ < 5) await actOn(step, { startAsync: false });
        return "done";
      });
      expect(status).toMatchObject({
        type: "failed",
        error: expect.stringContaining("Pass startAsync: true") as string,
      });
      expect(done).toEqual([]);
    });
  },
);

test("a run of 0.4: no inline step begins after one that cancels it, however it found the run", async () => {
  const t = newBackend();
  const id = await insertRun(t, { engineVersion: undefined });
  script("mutation", "cancel", (ctx) => cancel(ctx, workflow, id));
  script("handler", "main", async (step: WorkflowCtx) => {
    await step.sleep(1000);
    await Promise.all([
      step.runMutation(steps.mutation, { name: "cancel" }, { inline: true }),
      step.runMutation(steps.echo, { value: "beside" }, { inline: true }),
    ]);
  });
  await t.mutation((ctx) =>
    ctx.runMutation(workflows.workflow, {
      workflowId: id,
      generationNumber: 0,
    } as never),
  );
  await drain();
  expect(await statusOf(t, id)).toEqual({ type: "canceled" });
  expect(await effects(t)).toEqual([]);
});

test("an action that cancels its own run finishes, and its result is ignored", async () => {
  const t = newBackend();
  script("action", "cancel", async (ctx, id) => {
    await cancel(ctx, workflow, id);
    await ctx.runMutation(steps.echo, { value: "finished" });
  });
  const { status } = await runHandler(t, async (step) => {
    await step.runAction(steps.action, {
      name: "cancel",
      input: step.workflowId,
    });
    await step.runMutation(steps.echo, { value: "after" });
  });
  expect(status).toEqual({ type: "canceled" });
  expect(await effects(t)).toEqual(["finished"]);
});
