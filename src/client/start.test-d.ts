import {
  internalMutationGeneric,
  makeFunctionReference,
  type FunctionArgs,
  type FunctionHandle,
  type FunctionReference,
} from "convex/server";
import { v, type Infer, type VString } from "convex/values";
import { describe, expectTypeOf, test } from "vitest";
import { internal as app } from "../testing/app/_generated/api.js";
import {
  actionCtx,
  component,
  flows,
  functions,
  manager,
  mutationCtx,
  queryCtx,
  step,
  workflowId,
} from "../testing/typed/given.js";
import {
  cancel,
  cleanup,
  createEvent,
  getStatus,
  list,
  listByName,
  listSteps,
  restart,
  sendEvent,
  start,
  vOnCompleteArgs,
  type CallbackOptions,
  type OnCompleteArgs,
  type RunResult,
  type RunStartOptions,
  type StartOptions,
  type WorkflowArgs,
  type WorkflowId,
} from "./index.js";

const name = { name: "Ann" };

describe("functions accept every ctx that supports them, of an app's function or a workflow", () => {
  test("to read", () => {
    for (const ctx of [queryCtx, mutationCtx, actionCtx, step]) {
      void getStatus(ctx, component, workflowId);
      void list(ctx, component);
      void listByName(ctx, component, "file:flow");
      void listSteps(ctx, component, workflowId);
      void manager.listSteps(ctx, workflowId);
    }
  });

  test("to write", () => {
    for (const ctx of [mutationCtx, actionCtx, step]) {
      void start(ctx, flows.greet, name);
      void cancel(ctx, component, workflowId);
      void restart(ctx, component, workflowId);
      void cleanup(ctx, component, workflowId);
      void createEvent(ctx, component, { name: "a", workflowId });
      void sendEvent(ctx, component, { name: "a", workflowId });
      void manager.start(ctx, flows.greet, name);
      void manager.cleanup(ctx, workflowId);
      void manager.createEvent(ctx, { name: "a", workflowId });
      void manager.sendEvent(ctx, { name: "a", workflowId });
    }
  });

  test("but a query's ctx can only read", () => {
    // @ts-expect-error -- A query writes nothing.
    void start(queryCtx, flows.greet, name);
    // @ts-expect-error -- A query writes nothing.
    void manager.start(queryCtx, flows.greet, name);
    // @ts-expect-error -- A query writes nothing.
    void manager.cancel(queryCtx, workflowId);
    // @ts-expect-error -- A query writes nothing.
    void sendEvent(queryCtx, component, { name: "a", workflowId });
  });
});

describe("start", () => {
  test("accepts the handler's arguments and returns the run's id", () => {
    const started = start(mutationCtx, flows.greet, name);
    expectTypeOf(started).toEqualTypeOf<Promise<WorkflowId>>();
    void start(mutationCtx, flows.greet, { name: "Ann", times: 2 });
    void manager.start(mutationCtx, flows.noArgs, {});
    void start(mutationCtx, flows.bare, { whatever: 1 });
    // @ts-expect-error -- A name is missing.
    void start(mutationCtx, flows.greet, {});
    // @ts-expect-error -- A number isn't a name.
    void start(mutationCtx, flows.greet, { name: 1 });
    // @ts-expect-error -- Arguments aren't nested here.
    void start(mutationCtx, flows.greet, { args: name });
    // @ts-expect-error -- A name is missing.
    void manager.start(mutationCtx, flows.greet, {});
    // @ts-expect-error -- Not a workflow but a query.
    void start(mutationCtx, functions.count, { of: "" });
    // @ts-expect-error -- A mutation that is no workflow.
    void start(mutationCtx, functions.save, { text: "" });
    // @ts-expect-error -- A mutation that is no workflow.
    void manager.start(mutationCtx, functions.save, { text: "" });
  });

  test("accepts a workflow without a known type, with any arguments", () => {
    const named = makeFunctionReference<"mutation">("flows:greet");
    void start(mutationCtx, named, { whatever: 1 });
    void manager.start(mutationCtx, named, { whatever: 1 });
    const child = step.runWorkflow(named, { whatever: 1 });
    expectTypeOf(child).toEqualTypeOf<Promise<unknown>>();
  });
});

describe("onComplete", () => {
  type Context = { userId: string };
  type Result = { result: RunResult };
  type Mutation<Args extends Record<string, any>> = FunctionReference<
    "mutation",
    "internal",
    Args,
    null
  >;
  const of = <Args extends Record<string, any>>() => ({}) as Mutation<Args>;
  const context = { userId: "u" };
  const begin = <C>(options: StartOptions<C>) => {
    void manager.start(mutationCtx, flows.noArgs, {}, options);
    return start(mutationCtx, flows.noArgs, {}, options);
  };
  const { onComplete, onCompleteOfAnything } = functions;

  test("and its context are passed together or not at all", () => {
    void start(mutationCtx, flows.greet, name, { onComplete, context });
    void manager.start(mutationCtx, flows.greet, name, { onComplete, context });
    const options = { context: [1, 2], startAsync: true };
    void begin({ onComplete: onCompleteOfAnything, ...options });
    void begin({ onComplete: onCompleteOfAnything, context: null });
    void begin({});
    void begin({ startAsync: true });
    // @ts-expect-error -- A context is missing.
    void start(mutationCtx, flows.greet, name, { onComplete });
    // @ts-expect-error -- Nobody is told the context.
    void start(mutationCtx, flows.greet, name, { context });
    // @ts-expect-error -- A context is missing.
    void manager.start(mutationCtx, flows.greet, name, { onComplete });
    // @ts-expect-error -- Nobody is told the context.
    void manager.start(mutationCtx, flows.greet, name, { context });
    const untyped = (some?: CallbackOptions & { startAsync?: boolean }) =>
      start(mutationCtx, flows.noArgs, {}, some);
    expectTypeOf(untyped).returns.toEqualTypeOf<Promise<WorkflowId>>();
  });

  test("is a mutation with the run's id or a string, its result and this context", () => {
    type Ended = Result & { context: Context };
    type Anything = FunctionReference<"mutation", "internal">;
    const ofText = of<{ workflowId: string } & Ended>();
    const ofNumber = of<{ workflowId: number } & Ended>();
    void begin({
      onComplete: of<{ workflowId: WorkflowId } & Ended>(),
      context,
    });
    void begin({ onComplete: ofText, context });
    void begin({
      onComplete: of<{ workflowId: string; result: any; context: Context }>(),
      context,
    });
    void begin({
      onComplete: of<{ workflowId: string; context: any } & Result>(),
      context,
    });
    void begin({ onComplete: {} as Anything, context });
    void begin({ onComplete: of<OnCompleteArgs<null>>(), context: null });
    const options: CallbackOptions<Context> = { onComplete: ofText, context };
    void begin(options);
    // @ts-expect-error -- Not the context that it takes.
    void begin({ onComplete: ofText, context: { userId: 1 } });
    // @ts-expect-error -- A number isn't an id.
    void begin({ onComplete: ofNumber, context });
    // @ts-expect-error -- It takes something else.
    void begin({ onComplete: functions.notOnComplete, context: {} });
    // @ts-expect-error -- It is a query.
    void begin({ onComplete: functions.count, context: {} });
    // @ts-expect-error -- It is an action.
    void begin({ onComplete: functions.fetchText, context: {} });
  });

  test("has the types of its arguments and options exported", () => {
    expectTypeOf<StartOptions<Context>>().toEqualTypeOf<
      CallbackOptions<Context> &
        RunStartOptions & {
          startAsync?: boolean;
          execution?: "driver" | "pool";
        }
    >();
    expectTypeOf<
      | {
          onComplete: FunctionReference<
            "mutation",
            "public" | "internal",
            OnCompleteArgs<Context>
          >;
          context: Context;
        }
      | { onComplete?: undefined; context?: undefined }
    >().toExtend<CallbackOptions<Context>>();
    expectTypeOf<OnCompleteArgs<Context, number>>().toEqualTypeOf<{
      workflowId: WorkflowId;
      result: RunResult<number>;
      context: Context;
    }>();
    expectTypeOf<OnCompleteArgs>().toEqualTypeOf<{
      workflowId: WorkflowId;
      result: RunResult<unknown>;
      context: unknown;
    }>();
  });

  test("can validate its arguments with vOnCompleteArgs", () => {
    const args = vOnCompleteArgs(v.object({ order: v.string() }), v.number());
    type Validated = Infer<typeof args>;
    expectTypeOf<Validated["workflowId"]>().toEqualTypeOf<WorkflowId>();
    expectTypeOf<Validated["context"]>().toEqualTypeOf<{ order: string }>();
    expectTypeOf<Validated["result"]>().toExtend<RunResult<number>>();
    expectTypeOf<RunResult<number>>().toExtend<Validated["result"]>();
    internalMutationGeneric({
      args,
      handler: async (_ctx, ended) => {
        expectTypeOf(ended.context.order).toBeString();
      },
    });
  });

  test("has the types of its validators if defineOnComplete defines it", () => {
    manager.defineOnComplete({
      context: v.number(),
      returnValue: v.string(),
      handler: async (_ctx, ended) => {
        expectTypeOf(ended.workflowId).toEqualTypeOf<WorkflowId>();
        expectTypeOf(ended.context).toBeNumber();
        expectTypeOf(ended.result).toEqualTypeOf<RunResult<string>>();
      },
    });
    // @ts-expect-error -- It needs a handler.
    manager.defineOnComplete({ context: v.number() });
    const { endedAs } = app.managed;
    void begin({ onComplete: endedAs, context: { key: "k" } });
    // @ts-expect-error -- Another context.
    void begin({ onComplete: endedAs, context: { key: 5 } });
  });
});

test("the arguments of a workflow's mutation nest the handler's", () => {
  type Args = { name: VString };
  type Context = { userId: string };
  expectTypeOf<WorkflowArgs<Args, Context>>().toEqualTypeOf<
    {
      args: { name: string };
      startAsync?: boolean;
      execution?: "driver" | "pool";
    } & RunStartOptions &
      (
        | {
            onComplete: FunctionHandle<"mutation", OnCompleteArgs<Context>>;
            context: Context;
          }
        | { onComplete?: undefined; context?: undefined }
      )
  >();
  const call: WorkflowArgs<Args> = { args: name, startAsync: true };
  void mutationCtx.runMutation(flows.greet, call);
  void mutationCtx.runMutation(flows.greet, { args: name });
  // @ts-expect-error -- They are to be nested.
  void mutationCtx.runMutation(flows.greet, name);
  // @ts-expect-error -- A number isn't a name.
  void mutationCtx.runMutation(flows.greet, { args: { name: 1 } });
  type Greet = FunctionArgs<typeof flows.greet>["args"];
  expectTypeOf<Greet>().toEqualTypeOf<{ name: string; times?: number }>();
});
