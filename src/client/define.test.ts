import { describe, expect, test } from "vitest";
import { internal } from "../testing/app/_generated/api.js";
import * as app from "../testing/app/definitions.js";
import type { Handler } from "../testing/app/scripts.js";
import {
  drain,
  inComponent,
  journal,
  newBackend,
  rows,
  script,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../testing/harness.js";
import { call, callAndDrain, expectRefused } from "../testing/directCalls.js";
import { completed } from "../testing/statuses.js";
import { everyRow } from "../testing/tables.js";
import { start, type WorkflowId } from "./index.js";

useBackend();

const { definitions } = internal;
const main = { handler: "main" };

describe("a workflow is defined", () => {
  test.each(["byFunction", "byManager", "inOneObject", "byObject"] as const)(
    "%s, and runs the same",
    async (name) => {
      const t = newBackend();
      script("handler", "main", async (step, input) => {
        const value = await step.runMutation(steps.echo, { value: input });
        return `got ${value as number}`;
      });
      const id = await t.mutation((ctx) =>
        start(ctx, definitions[name], { ...main, input: 7 }),
      );
      await drain();
      expect(await statusOf(t, id)).toEqual(completed("got 7"));
      const [run] = await rows(t, "workflows");
      expect(run!.name).toBe(`definitions:${name}`);
    },
  );

  test("with its arguments as v.object(), which refuses missing and wrong ones", async () => {
    const t = newBackend();
    const { byObject } = definitions;
    await expectRefused(t, /handler/, () => call(t, byObject, { args: {} }));
    await expectRefused(t, /under 'args'/, () => call(t, byObject, {}));
    await expectRefused(t, /Expected `string`, got `5`/, () =>
      call(t, byObject, { args: { handler: 5 } }),
    );
  });

  test("and its handler can read its function's metadata", async () => {
    script("handler", "main", async (step) => {
      const { name } = await step.meta.getFunctionMetadata();
      await step.runMutation(steps.echo, { value: 1 });
      const again = await step.meta.getFunctionMetadata();
      return [name, again.name, again.componentPath].join(" ");
    });
    const status = await callAndDrain(newBackend(), definitions.byFunction, {
      args: main,
    });
    const name = "definitions:byFunction";
    expect(status).toEqual(completed(`${name} ${name} `));
  });

  test("without validators: any arguments, any return value", async () => {
    script("handler", "main", async (_step, input) => [input]);
    const status = await callAndDrain(newBackend(), definitions.unvalidated, {
      args: { ...main, input: { any: ["thing", 5n] } },
    });
    expect(status).toEqual(completed([{ any: ["thing", 5n] }]));
  });
});

describe("its mutation, called directly", () => {
  const handler: Handler = async (step) => {
    await step.runMutation(steps.echo, { value: "ran" });
    return "done";
  };

  test.each([false, true])(
    "with { args } starts a run and returns its id, and with startAsync leaves its first turn to the pool (%s)",
    async (startAsync) => {
      const t = newBackend();
      script("handler", "main", handler);
      const args = { args: main, startAsync };
      const id = (await call(t, definitions.byFunction, args)) as WorkflowId;
      expect((await rows(t, "workflows")).map(({ _id }) => _id)).toEqual([id]);
      expect(await journal(t, id)).toHaveLength(startAsync ? 0 : 1);
      await drain();
      expect(await statusOf(t, id)).toMatchObject({ result: "done" });
    },
  );

  test("from another mutation, whose transaction it shares", async () => {
    const t = newBackend();
    script("handler", "main", handler);
    await expectRefused(t, /no after all/, () =>
      t.mutation(async (ctx) => {
        await ctx.runMutation(definitions.byFunction, { args: main });
        throw new Error("no after all");
      }),
    );
    const id = await t.mutation((ctx) =>
      ctx.runMutation(definitions.byFunction, { args: main }),
    );
    await drain();
    expect(await statusOf(t, id as WorkflowId)).toMatchObject({
      result: "done",
    });
  });

  test("needs no arguments if the workflow has none", async () => {
    script("handler", "main", async () => "done");
    for (const args of [{}, { args: {} }])
      expect(
        await callAndDrain(newBackend(), definitions.withoutArgs, args),
      ).toEqual(completed("done"));
  });

  test("refuses arguments that aren't nested, and the error says to nest them", async () => {
    const t = newBackend();
    for (const name of ["byFunction", "unvalidated"] as const) {
      await expectRefused(t, /Unexpected field `handler`/, () =>
        call(t, definitions[name], main),
      );
      // Convex's own error, unlike that of the backend under test, shows the declared validator.
      const { exportArgs } = app[name] as unknown as {
        exportArgs(this: void): string;
      };
      expect(exportArgs()).toContain(
        "The arguments of a workflow go under 'args', as in { args: {",
      );
    }
  });

  test("refuses missing arguments, and the error shows how to pass them", async () => {
    const t = newBackend();
    await expectRefused(t, /without its arguments.*under 'args'/, () =>
      call(t, definitions.byFunction, {}),
    );
    await expectRefused(t, /without its arguments.*under 'args'/, () =>
      call(t, definitions.byFunction, { startAsync: true }),
    );
  });
});

describe("its mutation, called to advance a run", () => {
  async function waitingRun(t: Backend) {
    script("handler", "main", async (step) => {
      await step.sleep(1000);
      return "done";
    });
    return (await call(t, definitions.byFunction, {
      args: main,
    })) as WorkflowId;
  }

  test("reports a turn while the run continues, and the result when it ends", async () => {
    const t = newBackend();
    const workflowId = await waitingRun(t);
    const turn = { workflowId, generationNumber: 0 };
    expect(await call(t, definitions.byFunction, turn)).toEqual({
      kind: "turn",
      workflowId,
    });
    await inComponent(t, async (ctx) => {
      const [row] = await ctx.db.query("steps").collect();
      await ctx.db.patch("steps", row!._id, {
        step: {
          ...row!.step,
          inProgress: false,
          runResult: { kind: "success", returnValue: null },
          completedAt: 1,
        },
      });
    });
    expect(await call(t, definitions.byFunction, turn)).toEqual({
      kind: "complete",
      runResult: { kind: "success", returnValue: "done" },
    });
    expect(await statusOf(t, workflowId)).toMatchObject({ result: "done" });
  });

  test("changes nothing for another generation, without one, for an id that isn't a workflow's, or for an ended run", async () => {
    const t = newBackend();
    const workflowId = await waitingRun(t);
    const turn = (args: object) => call(t, definitions.byFunction, args);
    const before = await everyRow(t);
    for (const generationNumber of [1, -1])
      expect(await turn({ workflowId, generationNumber })).toEqual({
        kind: "turn",
        workflowId,
      });
    expect(await everyRow(t)).toEqual(before);
    // The error says how to start a run.
    await expectRefused(t, /generationNumber.*To start a run, pass args/, () =>
      turn({ workflowId }),
    );
    await expectRefused(t, /Invalid workflow ID: nothing/, () =>
      turn({ workflowId: "nothing", generationNumber: 0 }),
    );
    await drain();
    const ended = await everyRow(t);
    await turn({ workflowId, generationNumber: 0 });
    expect(await everyRow(t)).toEqual(ended);
  });
});
