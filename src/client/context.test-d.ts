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
import { component, flows, functions, step } from "../testing/typed/given.js";
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

const text = { text: "a" };
const url = { url: "a" };
const ann = { name: "Ann" };

test("steps resolve to the return types of their functions and workflows", () => {
  const query = "" as FunctionHandle<"query", { n: number }, string>;
  type Greet = typeof flows.greet;
  expectTypeOf({
    query: step.runQuery(functions.count, { of: "abc" }),
    mutation: step.runMutation(functions.save, text),
    action: step.runAction(functions.fetchText, url),
    withoutArguments: step.runQuery(functions.now),
    withOptions: step.runQuery(functions.now, {}, { name: "today" }),
    handle: step.runQuery(query, { n: 1 }),
    greet: step.runWorkflow(flows.greet, ann),
    greetTwice: step.runWorkflow<Greet>(flows.greet, { ...ann, times: 2 }),
    managed: step.runWorkflow(flows.managed, { n: 1 }),
    noArgs: step.runWorkflow(flows.noArgs, {}),
    inOneObject: step.runWorkflow(flows.inOneObject, { n: 1 }),
    noReturns: step.runWorkflow(flows.noReturns, ann),
    bare: step.runWorkflow(flows.bare, {}),
    nothing: step.runWorkflow(flows.nothing, {}),
  }).toEqualTypeOf<{
    query: Promise<number>;
    mutation: Promise<GenericId<"texts">>;
    action: Promise<string | null>;
    withoutArguments: Promise<string>;
    withOptions: Promise<string>;
    handle: Promise<string>;
    greet: Promise<{ text: string }>;
    greetTwice: Promise<{ text: string }>;
    managed: Promise<number[]>;
    noArgs: Promise<boolean>;
    inOneObject: Promise<number | null>;
    noReturns: Promise<unknown>;
    bare: Promise<unknown>;
    nothing: Promise<null>;
  }>();
});

test("steps take functions of their kind, with their arguments", () => {
  // A component's functions are of the app, too.
  const run = { workflowId: "" as WorkId };
  void step.runQuery(component.workflow.getStatus, { workflowId: "" });
  void step.runMutation(component.workflow.cancel, run);
  // @ts-expect-error -- The argument is missing.
  void step.runQuery(functions.count, {});
  // @ts-expect-error -- The arguments are missing.
  void step.runQuery(functions.count);
  // @ts-expect-error -- A number isn't a string.
  void step.runMutation(functions.save, { text: 1 });
  // @ts-expect-error -- A mutation isn't a query.
  void step.runQuery(functions.save, text);
  // @ts-expect-error -- A query isn't an action.
  void step.runAction(functions.count, { of: "a" });
  // @ts-expect-error -- A name is missing.
  void step.runWorkflow(flows.greet, {});
  // @ts-expect-error -- A number isn't a name.
  void step.runWorkflow(flows.greet, { name: 1 });
  // @ts-expect-error -- Arguments aren't nested here.
  void step.runWorkflow(flows.greet, { args: ann });
  // @ts-expect-error -- A child's arguments are given.
  void step.runWorkflow(flows.greet);
  // @ts-expect-error -- Not the workflow that the type parameter says.
  void step.runWorkflow<typeof flows.greet>(flows.managed, ann);
  // @ts-expect-error -- A query isn't a workflow.
  void step.runWorkflow(functions.count, { of: "" });
  // @ts-expect-error -- An action isn't a workflow.
  void step.runWorkflow(functions.fetchText, url);
  // @ts-expect-error -- A mutation may be no workflow.
  void step.runWorkflow(functions.save, text);
});

describe("options", () => {
  test("for every function and workflow: name, unstableArgs, and a time or a delay", () => {
    const options: RunOptions = { name: "a", unstableArgs: true, runAt: 1 };
    void step.runQuery(functions.now, {}, options);
    void step.runMutation(functions.save, text, options);
    void step.runAction(functions.fetchText, url, options);
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

  test("for queries and mutations: inline, and limits, which only affect inline steps", () => {
    const transactionLimits: TransactionLimits = { documentsRead: 10 };
    const limited = { inline: true as const, transactionLimits, name: "a" };
    void step.runQuery(functions.now, {}, { inline: true });
    void step.runMutation(functions.save, text, limited);
    // Otherwise `step` would be no mutation's ctx. The call rejects.
    void step.runQuery(functions.now, {}, { transactionLimits });
    // @ts-expect-error -- An inline step starts at once.
    void step.runQuery(functions.now, {}, { inline: true, runAt: 5 });
    // @ts-expect-error -- An inline step starts at once.
    void step.runMutation(functions.save, text, { inline: true, runAfter: 0 });
    // @ts-expect-error -- No action is inline.
    void step.runAction(functions.fetchText, url, { inline: true });
    // @ts-expect-error -- No workflow is inline.
    void step.runWorkflow(flows.noArgs, {}, { inline: true });
    expectTypeOf<TransactionLimits>().toEqualTypeOf<ConvexTransactionLimits>();
  });

  test("may be computed", () => {
    const inline = Math.random() > 0.5;
    const shared: RunOptions = { name: "a" };
    const { name } = shared;
    void step.runQuery(functions.now, {}, { inline });
    void step.runQuery(functions.now, {}, { ...shared, inline: false });
    void step.runQuery(functions.now, {}, { name, inline: true });
    void step.runAction(functions.fetchText, url, { ...shared, retry: inline });
  });

  test("for actions only: retry", () => {
    const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
    void step.runAction(functions.fetchText, url, { retry: true });
    void step.runAction(functions.fetchText, url, { retry: false });
    void step.runAction(functions.fetchText, url, { retry, name: "fetch" });
    // @ts-expect-error -- A behavior is whole.
    void step.runAction(functions.fetchText, url, { retry: { base: 2 } });
    // @ts-expect-error -- Queries aren't retried.
    void step.runQuery(functions.now, {}, { retry: true });
    // @ts-expect-error -- Mutations aren't retried.
    void step.runMutation(functions.save, text, { retry: true });
    // @ts-expect-error -- Workflows aren't retried.
    void step.runWorkflow(flows.noArgs, {}, { retry: true });
  });

  test("as defaults for all steps of a ctx: unstableArgs and retry", () => {
    const retried = step.withOptions({ retry: true });
    expectTypeOf(retried).toEqualTypeOf<WorkflowCtx>();
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

test("sleep resolves to nothing, and may be named", () => {
  expectTypeOf<WorkflowCtx["sleep"]>().toEqualTypeOf<
    (duration: number, options?: { name?: string }) => Promise<void>
  >();
});

test("the run's id is a read-only workflow id", () => {
  expectTypeOf(step.workflowId).toEqualTypeOf<WorkflowId>();
  // @ts-expect-error -- It is what it is.
  step.workflowId = "" as WorkflowId;
});

describe("a workflow's ctx stands in for", () => {
  test("the step context can replace another function's ctx if only its run methods are used, for the types of convex 1.48 too", () => {
    type OfMutation = "runQuery" | "runMutation";
    type OfAction = OfMutation | "runAction";
    expectTypeOf<WorkflowCtx>().toExtend<
      Pick<GenericMutationCtx<GenericDataModel>, OfMutation>
    >();
    expectTypeOf<WorkflowCtx>().toExtend<
      Pick<GenericActionCtx<any>, OfAction>
    >();
    expectTypeOf<WorkflowCtx>().toExtend<
      Pick<GenericActionCtx<GenericDataModel>, OfAction>
    >();
    expectTypeOf<WorkflowCtx>().toExtend<
      Pick<GenericActionCtx<DataModel>, OfAction>
    >();
  });

  test("the ctx that other components' clients accept, including `meta`", () => {
    const pool = new Workpool({} as never, { maxParallelism: 1 });
    expectTypeOf(
      pool.enqueueAction(step, functions.fetchText, url),
    ).toEqualTypeOf<Promise<WorkId>>();
    void pool.enqueueMutation(step, functions.save, text);
    void pool.enqueueQuery(step, functions.now, {});
    void pool.status(step, "" as WorkId);
    void pool.cancel(step, "" as WorkId);
    type Mutation = GenericMutationCtx<GenericDataModel>;
    type Action = GenericActionCtx<GenericDataModel>;
    // As those of rate-limiter 0.4 and aggregate 0.3.
    type Client = (
      ctx:
        | Pick<GenericQueryCtx<GenericDataModel>, "runQuery" | "meta">
        | Pick<Mutation, "runQuery" | "runMutation" | "meta">
        | Pick<Action, "runQuery" | "runMutation" | "runAction" | "meta">,
    ) => Promise<void>;
    expectTypeOf<Client>().toBeCallableWith(step);
    expectTypeOf<WorkflowCtx["meta"]>().toEqualTypeOf<Mutation["meta"]>();
    expectTypeOf(step.meta.getFunctionMetadata()).resolves.toHaveProperty(
      "componentPath",
    );
  });

  test("a ctx with the older types, like every ctx that can run queries or mutations", () => {
    expectTypeOf<WorkflowCtx>().toExtend<RunQueryCtx>();
    expectTypeOf<WorkflowCtx>().toExtend<RunMutationCtx>();
    expectTypeOf<GenericQueryCtx<DataModel>>().toExtend<RunQueryCtx>();
    expectTypeOf<GenericMutationCtx<DataModel>>().toExtend<RunMutationCtx>();
    expectTypeOf<GenericActionCtx<DataModel>>().toExtend<RunMutationCtx>();
    expectTypeOf<GenericQueryCtx<DataModel>>().not.toExtend<RunMutationCtx>();
  });
});

test("it lacks everything that a handler can't use", () => {
  expectTypeOf(step).not.toHaveProperty("db");
  expectTypeOf(step).not.toHaveProperty("scheduler");
  expectTypeOf(step).not.toHaveProperty("storage");
  expectTypeOf(step).not.toHaveProperty("auth");
});
