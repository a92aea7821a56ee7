import { Workpool, type WorkId } from "@convex-dev/workpool";
import type {
  FunctionHandle,
  GenericActionCtx,
  GenericDataModel,
  GenericMutationCtx,
  GenericQueryCtx,
  TransactionLimits as ConvexTransactionLimits,
} from "convex/server";
import type { GenericId } from "convex/values";
import { describe, expectTypeOf, test } from "vitest";
import type { DataModel } from "../component/_generated/dataModel.js";
import { components, internal } from "../testing/typed/api.js";
import type {
  RunMutationCtx,
  RunOptions,
  RunQueryCtx,
  SchedulerOptions,
  StepDefaults,
  TransactionLimits,
  WorkflowCtx,
  WorkflowId,
} from "./index.js";

declare const step: WorkflowCtx;
const { flows, functions } = internal;

test("function steps resolve to what their functions return, and check their arguments", () => {
  expectTypeOf(step.runQuery(functions.count, { of: "abc" })).toEqualTypeOf<
    Promise<number>
  >();
  expectTypeOf(step.runMutation(functions.save, { text: "a" })).toEqualTypeOf<
    Promise<GenericId<"texts">>
  >();
  expectTypeOf(step.runAction(functions.fetchText, { url: "a" })).toEqualTypeOf<
    Promise<string | null>
  >();
  // @ts-expect-error -- The argument is missing.
  void step.runQuery(functions.count, {});
  // @ts-expect-error -- The arguments are missing.
  void step.runQuery(functions.count);
  // @ts-expect-error -- A number is no text.
  void step.runMutation(functions.save, { text: 1 });
  // @ts-expect-error -- A mutation is no query.
  void step.runQuery(functions.save, { text: "a" });
  // @ts-expect-error -- A query is no action.
  void step.runAction(functions.count, { of: "a" });
});

test("the arguments of a function without any may be left out", () => {
  expectTypeOf(step.runQuery(functions.now)).toEqualTypeOf<Promise<string>>();
  void step.runQuery(functions.now, {});
  void step.runQuery(functions.now, {}, { name: "today" });
});

test("function handles and components' functions are run as references are", () => {
  const query = "" as FunctionHandle<"query", { n: number }, string>;
  expectTypeOf(step.runQuery(query, { n: 1 })).toEqualTypeOf<Promise<string>>();
  const workId = "" as WorkId;
  void step.runQuery(components.workflow.workflow.getStatus, {
    workflowId: "",
  });
  void step.runMutation(components.workflow.workflow.cancel, {
    workflowId: workId,
  });
});

describe("options", () => {
  const limits: TransactionLimits = { documentsRead: 10 };

  test("of every function and workflow: name, unstableArgs, and a time or a delay", () => {
    const options: RunOptions = { name: "a", unstableArgs: true, runAt: 1 };
    void step.runQuery(functions.now, {}, options);
    void step.runMutation(functions.save, { text: "" }, options);
    void step.runAction(functions.fetchText, { url: "" }, options);
    void step.runWorkflow(flows.noArgs, {}, options);
    void step.runWorkflow(flows.noArgs, {}, { runAfter: 1000 });
    expectTypeOf<RunOptions>().toEqualTypeOf<
      { name?: string; unstableArgs?: boolean } & SchedulerOptions
    >();
    expectTypeOf<SchedulerOptions>().toEqualTypeOf<
      | { runAt?: number; runAfter?: never }
      | { runAfter?: number; runAt?: never }
    >();
  });

  test("exclude each other: a time and a delay", () => {
    const both = { runAt: 1, runAfter: 1 };
    // @ts-expect-error -- One of them.
    void step.runQuery(functions.now, {}, both);
    // @ts-expect-error -- One of them.
    void step.runMutation(functions.save, { text: "" }, both);
    // @ts-expect-error -- One of them.
    void step.runAction(functions.fetchText, { url: "" }, both);
    // @ts-expect-error -- One of them.
    void step.runWorkflow(flows.noArgs, {}, both);
  });

  test("of queries and mutations: inline, and limits, which only inline steps heed", () => {
    void step.runQuery(functions.now, {}, { inline: true });
    void step.runMutation(
      functions.save,
      { text: "" },
      { inline: true, transactionLimits: limits, name: "a" },
    );
    void step.runQuery(functions.now, {}, { inline: false });
    // Otherwise `step` would be no mutation's ctx. The call rejects.
    void step.runQuery(functions.now, {}, { transactionLimits: limits });
    const soon = { inline: true as const, runAfter: 5 };
    const later = { inline: true as const, runAt: 5 };
    // @ts-expect-error -- An inline step starts at once.
    void step.runQuery(functions.now, {}, soon);
    // @ts-expect-error -- An inline step starts at once.
    void step.runQuery(functions.now, {}, { inline: true, runAt: 5 });
    // @ts-expect-error -- An inline step starts at once.
    void step.runMutation(functions.save, { text: "" }, later);
    void step.runMutation(
      functions.save,
      { text: "" },
      // @ts-expect-error -- An inline step starts at once.
      { inline: true, runAfter: 0 },
    );
    // @ts-expect-error -- No action is inline.
    void step.runAction(functions.fetchText, { url: "" }, { inline: true });
    // @ts-expect-error -- No workflow is inline.
    void step.runWorkflow(flows.noArgs, {}, { inline: true });
    expectTypeOf<TransactionLimits>().toEqualTypeOf<ConvexTransactionLimits>();
  });

  test("may be computed", () => {
    const inline = Math.random() > 0.5;
    void step.runQuery(functions.now, {}, { inline });
    const shared: RunOptions = { name: "a" };
    void step.runQuery(functions.now, {}, { ...shared, inline: false });
    const { name } = shared;
    void step.runQuery(functions.now, {}, { name, inline: true });
    void step.runAction(
      functions.fetchText,
      { url: "" },
      {
        ...shared,
        retry: inline,
      },
    );
  });

  test("of actions only: retry", () => {
    const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
    const url = { url: "" };
    void step.runAction(functions.fetchText, url, { retry: true });
    void step.runAction(functions.fetchText, url, { retry: false });
    void step.runAction(functions.fetchText, url, { retry, name: "fetch" });
    // @ts-expect-error -- A behavior is whole.
    void step.runAction(functions.fetchText, url, { retry: { base: 2 } });
    // @ts-expect-error -- Queries aren't retried.
    void step.runQuery(functions.now, {}, { retry: true });
    // @ts-expect-error -- Mutations aren't retried.
    void step.runMutation(functions.save, { text: "" }, { retry: true });
    // @ts-expect-error -- Workflows aren't retried.
    void step.runWorkflow(flows.noArgs, {}, { retry: true });
  });

  test("by default, for all steps of a ctx: unstableArgs and retry", () => {
    expectTypeOf(
      step.withOptions({ retry: true }),
    ).toEqualTypeOf<WorkflowCtx>();
    void step.withOptions({ unstableArgs: true }).withOptions({ retry: false });
    // @ts-expect-error -- A name is of one step.
    step.withOptions({ name: "a" });
    // @ts-expect-error -- A delay is of one step.
    step.withOptions({ runAfter: 1 });
    expectTypeOf<StepDefaults>().toEqualTypeOf<
      { unstableArgs?: boolean } & {
        retry?:
          | boolean
          | {
              maxAttempts: number;
              initialBackoffMs: number;
              base: number;
              maxBackoffMs?: number;
            };
      }
    >();
  });
});

describe("runWorkflow", () => {
  const name = { name: "Ann" };

  test("resolves to what the child's `returns` says", () => {
    expectTypeOf(step.runWorkflow(flows.greet, name)).toEqualTypeOf<
      Promise<{ text: string }>
    >();
    expectTypeOf(step.runWorkflow(flows.managed, { n: 1 })).toEqualTypeOf<
      Promise<number[]>
    >();
    expectTypeOf(step.runWorkflow(flows.noArgs, {})).toEqualTypeOf<
      Promise<boolean>
    >();
    expectTypeOf(step.runWorkflow(flows.inOneObject, { n: 1 })).toEqualTypeOf<
      Promise<number | null>
    >();
  });

  test("resolves to something unknown where the child has no `returns`", () => {
    expectTypeOf(step.runWorkflow(flows.noReturns, name)).toEqualTypeOf<
      Promise<unknown>
    >();
    expectTypeOf(step.runWorkflow(flows.bare, {})).toEqualTypeOf<
      Promise<unknown>
    >();
  });

  test("resolves to null, never undefined, where it is v.null()", () => {
    expectTypeOf(step.runWorkflow(flows.nothing, {})).toEqualTypeOf<
      Promise<null>
    >();
  });

  test("takes the arguments of the child's handler", () => {
    void step.runWorkflow(flows.greet, { name: "Ann", times: 2 });
    // @ts-expect-error -- A name is missing.
    void step.runWorkflow(flows.greet, {});
    // @ts-expect-error -- A number is no name.
    void step.runWorkflow(flows.greet, { name: 1 });
    // @ts-expect-error -- They are not nested here.
    void step.runWorkflow(flows.greet, { args: name });
    // @ts-expect-error -- A child's arguments are given.
    void step.runWorkflow(flows.greet);
  });

  test("has the workflow as its type parameter", () => {
    type Greet = typeof flows.greet;
    expectTypeOf(
      step.runWorkflow<Greet>(flows.greet, { name: "Ann" }),
    ).toEqualTypeOf<Promise<{ text: string }>>();
    // @ts-expect-error -- Not the workflow that the type parameter says.
    void step.runWorkflow<Greet>(flows.managed, { name: "Ann" });
  });

  test("takes workflows only", () => {
    // @ts-expect-error -- A query is no workflow.
    void step.runWorkflow(functions.count, { of: "" });
    // @ts-expect-error -- An action is no workflow.
    void step.runWorkflow(functions.fetchText, { url: "" });
  });
});

test("sleep resolves to nothing, and may be named", () => {
  expectTypeOf<WorkflowCtx["sleep"]>().toEqualTypeOf<
    (duration: number, options?: { name?: string }) => Promise<void>
  >();
});

test("the run's id is a workflow id, and can't be changed", () => {
  expectTypeOf(step.workflowId).toEqualTypeOf<WorkflowId>();
  // @ts-expect-error -- It is what it is.
  step.workflowId = "" as WorkflowId;
});

describe("a workflow's ctx stands in for", () => {
  test("the step context can replace an action's ctx if only its run methods are used, for the types of convex 1.48 too", () => {
    type Methods = "runQuery" | "runMutation" | "runAction";
    expectTypeOf<WorkflowCtx>().toExtend<
      Pick<GenericActionCtx<any>, Methods>
    >();
    expectTypeOf<WorkflowCtx>().toExtend<
      Pick<GenericActionCtx<GenericDataModel>, Methods>
    >();
    expectTypeOf<WorkflowCtx>().toExtend<
      Pick<GenericActionCtx<DataModel>, Methods>
    >();
  });

  test("the ctx that other components' clients take", () => {
    const pool = new Workpool({} as never, { maxParallelism: 1 });
    expectTypeOf(
      pool.enqueueAction(step, functions.fetchText, { url: "" }),
    ).toEqualTypeOf<Promise<WorkId>>();
    void pool.enqueueMutation(step, functions.save, { text: "" });
    void pool.enqueueQuery(step, functions.now, {});
    void pool.status(step, "" as WorkId);
    void pool.cancel(step, "" as WorkId);
  });

  test("a ctx in the older way of typing one", () => {
    expectTypeOf<WorkflowCtx>().toExtend<RunQueryCtx>();
    expectTypeOf<WorkflowCtx>().toExtend<RunMutationCtx>();
  });

  test("every ctx that can run queries, or mutations too", () => {
    expectTypeOf<GenericQueryCtx<DataModel>>().toExtend<RunQueryCtx>();
    expectTypeOf<GenericMutationCtx<DataModel>>().toExtend<RunMutationCtx>();
    expectTypeOf<GenericActionCtx<DataModel>>().toExtend<RunMutationCtx>();
    expectTypeOf<GenericQueryCtx<DataModel>>().not.toExtend<RunMutationCtx>();
  });
});

test("what can't be done in a handler is not there", () => {
  expectTypeOf(step).not.toHaveProperty("db");
  expectTypeOf(step).not.toHaveProperty("scheduler");
  expectTypeOf(step).not.toHaveProperty("storage");
});
