import { describe, expect, test } from "vitest";
import { internal as app } from "../../testing/app/_generated/api.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
  drain,
  inComponent,
  journal,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { insertRun } from "../../testing/managing.js";
import { child, configure, echo, takeTurn } from "../../testing/scenes.js";
import { completed } from "../../testing/statuses.js";
import { start, type StartOptions } from "../../client/index.js";

// Who says how steps are executed; and that `utils:updateConfig` goes for runs in flight too, from the
// next step on.

useBackend();

/** Each kind of step follows each. */
const KINDS = [
  ...["action", "mutation", "query", "action", "action"],
  ...["query", "mutation", "mutation", "query", "query"],
] as const;

const chain: Handler = async (step) => {
  const found: unknown[] = [];
  for (const [at, kind] of KINDS.entries()) {
    const call = { name: "work", input: at };
    if (kind === "action") found.push(await step.runAction(steps.action, call));
    else if (kind === "query")
      found.push(await step.runQuery(steps.query, call));
    else found.push(await step.runMutation(steps.mutation, call));
  }
  return found;
};

async function modes(t: Backend, workflowId: string) {
  return (await journal(t, workflowId)).map(({ drivenBy, step }) => {
    const inPool = "functionType" in step && step.workId !== undefined;
    if (inPool === (drivenBy !== undefined)) return "neither or both";
    return inPool ? "pool" : "driver";
  });
}

const everyStep = KINDS.map((_kind, at) => at);

describe.each([
  ["driver", "pool"],
  ["pool", "driver"],
] as const)("a switch", (from, to) => {
  const title = `from ${from} to ${to} while step %i runs`;
  test.each(everyStep)(title, async (switchedAt) => {
    const t = newBackend({ execution: from });
    const executed: number[] = [];
    let switching: Promise<unknown> = Promise.resolve();
    const work = (at: number) => {
      executed.push(at);
      // Waits in line until the transaction that the step runs in is over.
      if (at === switchedAt) switching = configure(t, { execution: to });
      return at;
    };
    script("mutation", "work", (_ctx, at: number) => work(at));
    script("query", "work", (_ctx, at: number) => work(at));
    script("action", "work", async (_ctx, at: number) => {
      const result = work(at);
      await switching;
      return result;
    });
    const workflowId = await startHandler(t, chain);
    await drain();
    await switching;
    expect(await statusOf(t, workflowId)).toEqual(completed(everyStep));
    expect(executed).toEqual(everyStep);
    const found = await modes(t, workflowId);
    const action = KINDS[switchedAt] === "action";
    // The transaction of a mutation or query may have started the next step already.
    const sure = switchedAt + (action ? 1 : 2);
    expect(found.slice(0, switchedAt + 1)).toEqual(
      found.slice(0, switchedAt + 1).map(() => from),
    );
    expect(found.slice(sure)).toEqual(found.slice(sure).map(() => to));
  });
});

describe("how steps are executed", () => {
  type Execution = "driver" | "pool";

  /** How the step of a run was executed. */
  async function executedBy(
    t: Backend,
    workflow: typeof workflows.workflow,
    options: StartOptions = {},
  ): Promise<Execution> {
    script("handler", "main", (step) => echo(step, 1));
    const id = await t.mutation((ctx) =>
      start(ctx, workflow, { handler: "main" }, options),
    );
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: 1 });
    const [row] = await journal(t, id);
    return row!.drivenBy === undefined ? "pool" : "driver";
  }

  test("is by drivers unless an option says otherwise", async () => {
    const t = newBackend();
    await inComponent(t, async (ctx) => {
      for (const { _id } of await ctx.db.query("config").collect())
        await ctx.db.delete("config", _id);
    });
    expect(await executedBy(t, workflows.workflow)).toBe("driver");
  });

  const { pooledByManager, pooledByWorkflow, drivenByWorkflow } = app.managed;

  test.each([
    ["the component's config", "pool", workflows.workflow, {}, "pool"],
    ["a manager, before the config", "driver", pooledByManager, {}, "pool"],
    ["a workflow, before the config", "driver", pooledByWorkflow, {}, "pool"],
    ["a workflow, before its manager", "pool", drivenByWorkflow, {}, "driver"],
    [
      "start, before all others",
      "driver",
      drivenByWorkflow,
      { execution: "pool" },
      "pool",
    ],
    [
      "start, before all others, again",
      "pool",
      pooledByWorkflow,
      { execution: "driver" },
      "driver",
    ],
  ] as const)(
    "can be set by %s",
    async (_whom, execution, workflow, options, expected) => {
      const t = newBackend({ execution });
      const found = await executedBy(t, workflow, options);
      expect(found).toBe(expected);
    },
  );

  test("is by the pool for a run that 0.4 began", async () => {
    const t = newBackend({ execution: "driver" });
    script("handler", "main", (step) => echo(step, 1));
    const workflowId = await insertRun(t, { engineVersion: undefined });
    await takeTurn(t, workflowId);
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: 1 });
    expect(await modes(t, workflowId)).toEqual(["pool"]);
  });

  test("applies to a run's children too, if set at start", async () => {
    const t = newBackend({ execution: "driver" });
    script("handler", "child", (step) => echo(step, 1));
    script("handler", "main", (step) => child(step));
    await t.mutation((ctx) =>
      start(
        ctx,
        workflows.workflow,
        { handler: "main" },
        { execution: "pool" },
      ),
    );
    await drain();
    const runs = await rows(t, "workflows");
    expect(runs.map(({ drivers }) => drivers)).toEqual([undefined, undefined]);
  });
});
