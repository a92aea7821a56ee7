import {
  makeFunctionReference,
  type FunctionHandle,
  type FunctionReference,
} from "convex/server";
import type { VString } from "convex/values";
import type * as app from "../../example/convex/_generated/server.js";
import { describe, expectTypeOf, test } from "vitest";
import { components, internal } from "../testing/typed/api.js";
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
  WorkflowManager,
  type CallbackOptions,
  type OnCompleteArgs,
  type RunResult,
  type RunStartOptions,
  type StartOptions,
  type WorkflowArgs,
  type WorkflowCtx,
  type WorkflowId,
} from "./index.js";

declare const queryCtx: app.QueryCtx;
declare const mutationCtx: app.MutationCtx;
declare const actionCtx: app.ActionCtx;
declare const step: WorkflowCtx;
declare const workflowId: WorkflowId;
const component = components.workflow;
const manager = new WorkflowManager(component);
const { flows, functions } = internal;
const name = { name: "Ann" };

describe("every ctx that can do it is taken: an app's query, mutation and action, and a workflow's", () => {
  test("to read", () => {
    for (const ctx of [queryCtx, mutationCtx, actionCtx, step]) {
      void getStatus(ctx, component, workflowId);
      void list(ctx, component);
      void listByName(ctx, component, "file:flow");
      void listSteps(ctx, component, workflowId);
      void manager.status(ctx, workflowId);
      void manager.list(ctx);
      void manager.listByName(ctx, "file:flow");
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
      void manager.cancel(ctx, workflowId);
      void manager.restart(ctx, workflowId);
      void manager.cleanup(ctx, workflowId);
      void manager.createEvent(ctx, { name: "a", workflowId });
      void manager.sendEvent(ctx, { name: "a", workflowId });
    }
  });

  test("but a query's only to read", () => {
    // @ts-expect-error -- A query writes nothing.
    void start(queryCtx, flows.greet, name);
    // @ts-expect-error -- A query writes nothing.
    void manager.cancel(queryCtx, workflowId);
    // @ts-expect-error -- A query writes nothing.
    void sendEvent(queryCtx, component, { name: "a", workflowId });
  });
});

describe("start", () => {
  test("takes the handler's arguments and returns the run's id", () => {
    expectTypeOf(start(mutationCtx, flows.greet, name)).toEqualTypeOf<
      Promise<WorkflowId>
    >();
    void start(mutationCtx, flows.greet, { name: "Ann", times: 2 });
    void manager.start(mutationCtx, flows.noArgs, {});
    void start(mutationCtx, flows.bare, { whatever: 1 });
    // @ts-expect-error -- A name is missing.
    void start(mutationCtx, flows.greet, {});
    // @ts-expect-error -- A number is no name.
    void start(mutationCtx, flows.greet, { name: 1 });
    // @ts-expect-error -- A name is missing.
    void manager.start(mutationCtx, flows.greet, {});
    // @ts-expect-error -- Not a workflow but a query.
    void start(mutationCtx, functions.count, { of: "" });
  });

  test("takes a workflow that is known by its name only, with any arguments", () => {
    const named = makeFunctionReference<"mutation">("flows:greet");
    void start(mutationCtx, named, { whatever: 1 });
    void manager.start(mutationCtx, named, { whatever: 1 });
    expectTypeOf(step.runWorkflow(named, { whatever: 1 })).toEqualTypeOf<
      Promise<unknown>
    >();
  });

  test("takes onComplete and its context, both or neither", () => {
    const context = { userId: "u" };
    const { onComplete, onCompleteOfAnything } = functions;
    void start(mutationCtx, flows.greet, name, { onComplete, context });
    void manager.start(mutationCtx, flows.greet, name, { onComplete, context });
    void start(mutationCtx, flows.greet, name, {
      onComplete: onCompleteOfAnything,
      context: [1, 2],
      startAsync: true,
    });
    void start(mutationCtx, flows.greet, name, {});
    void start(mutationCtx, flows.greet, name, { startAsync: true });
    // @ts-expect-error -- A context is missing.
    void start(mutationCtx, flows.greet, name, { onComplete });
    // @ts-expect-error -- Nobody is told the context.
    void start(mutationCtx, flows.greet, name, { context });
    // @ts-expect-error -- A context is missing.
    void manager.start(mutationCtx, flows.greet, name, { onComplete });
    // @ts-expect-error -- Nobody is told the context.
    void manager.start(mutationCtx, flows.greet, name, { context });
  });

  test("takes as onComplete a mutation of the run, its result and this context", () => {
    void start(mutationCtx, flows.greet, name, {
      onComplete: functions.onComplete,
      // @ts-expect-error -- Not the context that the mutation takes.
      context: { userId: 1 },
    });
    void start(mutationCtx, flows.greet, name, {
      // @ts-expect-error -- It takes something else.
      onComplete: functions.notOnComplete,
      context: {},
    });
    void start(mutationCtx, flows.greet, name, {
      // @ts-expect-error -- It is a query.
      onComplete: functions.count,
      context: {},
    });
  });

  test("has its options' types exported", () => {
    type Context = { userId: string };
    expectTypeOf<StartOptions<Context>>().toEqualTypeOf<
      CallbackOptions<Context> &
        RunStartOptions & {
          startAsync?: boolean;
          execution?: "driver" | "pool";
        }
    >();
    type OnComplete = FunctionReference<
      "mutation",
      "public" | "internal",
      OnCompleteArgs<Context>
    >;
    expectTypeOf<
      | { onComplete: OnComplete; context: Context }
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
    const options: StartOptions = {
      onComplete: functions.onCompleteOfAnything,
      context: 1,
    };
    void start(mutationCtx, flows.greet, name, options);
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
  const call: WorkflowArgs<Args> = { args: { name: "Ann" }, startAsync: true };
  void mutationCtx.runMutation(flows.greet, call);
  void mutationCtx.runMutation(flows.greet, { args: { name: "Ann" } });
  // @ts-expect-error -- They are to be nested.
  void mutationCtx.runMutation(flows.greet, { name: "Ann" });
});
