import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  listenToConsole,
  restart,
  rowCounts,
} from "../../../testing/managing.js";
import {
  components,
  drain,
  inComponent,
  newBackend,
  statusOf,
  useBackend,
  type Backend,
} from "../../../testing/harness.js";
import { getStatus, list, listSteps, type WorkflowId } from "../../index.js";
import schema from "../../../component/schema.js";

// Rows that earlier releases wrote still validate, and you can read and manage them.

useBackend();
listenToConsole();

type Json = {
  tableName: string;
  indexes: { indexDescriptor: string; fields: string[] }[];
};
const exported = () =>
  JSON.parse((schema as unknown as { export(): string }).export()) as {
    tables: Json[];
  };

test("the tables of earlier releases keep their indexes", () => {
  const kept = Object.fromEntries(
    exported().tables.flatMap(({ tableName, indexes }) =>
      indexes.map(({ indexDescriptor, fields }) => [
        `${tableName}.${indexDescriptor}`,
        fields,
      ]),
    ),
  );
  expect(kept).toMatchObject({
    "workflows.name": ["name"],
    "steps.workflow": ["workflowId", "stepNumber"],
    "steps.inProgress": ["step.inProgress", "workflowId"],
    "events.workflowId_state": ["workflowId", "state.kind"],
  });
});

const RESULTS = [
  undefined,
  { kind: "success" as const, returnValue: [1n] },
  { kind: "failed" as const, error: "no" },
  { kind: "canceled" as const },
];

/** Inserts rows in every shape that earlier releases wrote. */
async function insertOldRows(t: Backend): Promise<WorkflowId[]> {
  return await inComponent(t, async (ctx) => {
    const ids: WorkflowId[] = [];
    for (const runResult of RESULTS) {
      const workflowId = await ctx.db.insert("workflows", {
        workflowHandle: "function://;workflows:workflow",
        args: { handler: "main" },
        generationNumber: 3,
        onComplete: { fnHandle: "function://;steps:ended" },
        runResult,
        logLevel: "INFO",
        startedAt: { any: "value" },
        state: ["any", "value"],
      });
      ids.push(workflowId as string as WorkflowId);
      const nested = await ctx.db.insert("workflows", {
        name: "folder/file:workflow",
        workflowHandle: "function://;workflows:workflow",
        args: null,
        generationNumber: 0,
        onComplete: { fnHandle: "function://;gone:gone", context: { a: 1 } },
        runResult: { kind: "success", returnValue: null },
      });
      const done = {
        name: "step",
        inProgress: false,
        argsSize: 0,
        args: {},
        runResult: { kind: "success" as const, returnValue: 1 },
        startedAt: 1,
        completedAt: 2,
      };
      const functionStep = {
        ...done,
        functionType: "action" as const,
        handle: "function://;steps:echoAction",
      };
      const olds = [
        functionStep,
        { ...functionStep, kind: "function" as const, workId: "job" },
        { ...functionStep, functionType: "query" as const },
        { ...functionStep, functionType: "mutation" as const },
        { ...done, kind: "workflow" as const, handle: "h", workflowId: nested },
        { ...done, kind: "workflow" as const, handle: "h" },
        { ...done, kind: "event" as const },
        { ...done, kind: "sleep" as const, workId: "job" },
        { ...done, kind: "sleep" as const },
      ];
      for (const [stepNumber, step] of olds.entries())
        await ctx.db.insert("steps", { workflowId, stepNumber, step });
      const stepId = await ctx.db.insert("steps", {
        workflowId,
        stepNumber: olds.length,
        step: {
          ...done,
          runResult: undefined,
          completedAt: undefined,
          inProgress: true,
          kind: "event",
        },
      });
      const sent = { result: done.runResult, sentAt: 1 };
      const states = [
        { kind: "created" as const },
        { kind: "sent" as const, ...sent },
        { kind: "waiting" as const, waitingAt: 1, stepId },
        {
          kind: "consumed" as const,
          waitingAt: 1,
          sentAt: 2,
          consumedAt: 3,
          stepId,
        },
      ];
      for (const state of states) {
        const eventId = await ctx.db.insert("events", {
          workflowId,
          name: "e",
          state,
        });
        if (state.kind === "waiting")
          await ctx.db.patch("steps", stepId, {
            step: {
              ...done,
              runResult: undefined,
              completedAt: undefined,
              inProgress: true,
              kind: "event",
              eventId,
              args: { eventId },
            },
          });
      }
      await ctx.db.insert("onCompleteFailures", {
        workflowId,
        generationNumber: 1,
        runResult: { kind: "canceled" },
        error: "no",
      });
    }
    await ctx.db.insert("config", { logLevel: "WARN", maxParallelism: 10 });
    const result = { kind: "canceled" as const };
    await ctx.db.insert("onCompleteFailures", { result, context: { any: 1 } });
    await ctx.db.insert("onCompleteFailures", {
      workId: "job",
      workflowId: "run",
      result,
      context: null,
    });
    return ids;
  });
}

describe("rows of every shape that earlier releases wrote", () => {
  test("validate, and are listed", async () => {
    const t = newBackend();
    const ids = await insertOldRows(t);
    const { workflow } = components;
    const runs = await t.query((ctx) => list(ctx, workflow));
    expect(runs.page).toHaveLength(ids.length * 2);
    for (const id of ids) {
      const { page } = await t.query((ctx) => listSteps(ctx, workflow, id));
      expect(page.map(({ kind }) => kind)).toEqual([
        "function",
        "function",
        "function",
        "function",
        "workflow",
        "workflow",
        "event",
        "sleep",
        "sleep",
        "event",
      ]);
    }
    const states = await t.query(async (ctx) => {
      const found = [];
      for (const id of ids) found.push(await getStatus(ctx, workflow, id));
      return found.map(({ type }) => type);
    });
    expect(states).toEqual(["inProgress", "completed", "failed", "canceled"]);
  });

  test("can be canceled, restarted and cleaned up", async () => {
    const t = newBackend();
    const ids = await insertOldRows(t);
    await cancel(t, ids[0]!);
    expect(await statusOf(t, ids[0]!)).toEqual({ type: "canceled" });
    for (const id of ids) {
      await restart(t, id, { from: 0, startAsync: true });
      await drain();
      // The test defines no such handler, so the run fails as soon as the handler is called.
      expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
      expect(await cleanup(t, id)).toBe(true);
    }
    await drain();
    const left = await rowCounts(t);
    expect(left).toMatchObject({
      onCompleteFailures: expect.any(Number) as number,
    });
    expect(left).not.toHaveProperty("steps");
    expect(left).not.toHaveProperty("events");
  });
});
