import type {
  FunctionReturnType,
  RegisteredMutation,
  FunctionArgs,
} from "convex/server";
import { v, type VNull, type VObject, type VString } from "convex/values";
import { expectTypeOf, test } from "vitest";
import { components, internal } from "../testing/typed/api.js";
import type * as flows from "../testing/typed/flows.js";
import {
  defineWorkflow,
  WorkflowManager,
  type RunResult,
  type WorkflowArgs,
  type WorkflowCtx,
  type WorkflowDefinition,
  type WorkflowHandler,
  type WorkflowId,
  type WorkflowMutationResult,
} from "./index.js";

const component = components.workflow;
const manager = new WorkflowManager(component);

test("a definition is a registered mutation that carries the types of arguments and return value", () => {
  type Args = { name: VString; times: VString<string | undefined, "optional"> };
  const { handler } = defineWorkflow(component, {
    args: { name: v.string(), times: v.optional(v.string()) },
    returns: v.boolean(),
  });
  expectTypeOf(handler).returns.toEqualTypeOf<
    RegisteredMutation<
      "internal",
      WorkflowArgs<Args>,
      WorkflowMutationResult<boolean>
    >
  >();
  expectTypeOf<WorkflowMutationResult<boolean>>().toEqualTypeOf<
    WorkflowId | { kind: "complete"; runResult: RunResult<boolean> }
  >();
});

test("all ways to define a workflow give it the same type", () => {
  const definition = {
    args: { name: v.string() },
    returns: v.object({ text: v.string() }),
  };
  const handler = async (_step: WorkflowCtx, { name }: { name: string }) => ({
    text: name,
  });
  type Defined = RegisteredMutation<
    "internal",
    WorkflowArgs<{ name: VString }>,
    WorkflowMutationResult<{ text: string }>
  >;
  expectTypeOf(
    defineWorkflow(component, definition).handler(handler),
  ).toEqualTypeOf<Defined>();
  expectTypeOf(
    manager.define(definition).handler(handler),
  ).toEqualTypeOf<Defined>();
  expectTypeOf(
    manager.define({ ...definition, handler }),
  ).toEqualTypeOf<Defined>();
});

test("a handler receives the step context and the arguments that are validated", () => {
  const definition = { args: { name: v.string(), n: v.optional(v.number()) } };
  defineWorkflow(component, definition).handler(async (step, args) => {
    expectTypeOf(step).toEqualTypeOf<WorkflowCtx>();
    expectTypeOf(args).toEqualTypeOf<{ name: string; n?: number }>();
  });
  manager.define(definition).handler(async (step, args) => {
    expectTypeOf(step).toEqualTypeOf<WorkflowCtx>();
    expectTypeOf(args).toEqualTypeOf<{ name: string; n?: number }>();
  });
  manager.define({
    args: { name: v.string(), n: v.optional(v.number()) },
    handler: async (step, args) => {
      expectTypeOf(step).toEqualTypeOf<WorkflowCtx>();
      expectTypeOf(args).toEqualTypeOf<{ name: string; n?: number }>();
    },
  });
});

test("a handler must return what `returns` says", () => {
  const definition = { args: {}, returns: v.object({ n: v.number() }) };
  defineWorkflow(component, definition).handler(async () => ({ n: 1 }));
  // @ts-expect-error -- A text is no number.
  defineWorkflow(component, definition).handler(async () => ({ n: "1" }));
  // @ts-expect-error -- Nothing is no object.
  defineWorkflow(component, definition).handler(async () => {});
  // @ts-expect-error -- It may return nothing.
  defineWorkflow(component, definition).handler(async (_step, args) => {
    if ("x" in args) return { n: 1 };
  });
  // @ts-expect-error -- A handler is async.
  defineWorkflow(component, definition).handler(() => ({ n: 1 }));
  // @ts-expect-error -- A text is no number.
  manager.define(definition).handler(async () => ({ n: "1" }));
  manager.define({ ...definition, handler: async () => ({ n: 1 }) });
  // @ts-expect-error -- A text is no number.
  manager.define({ ...definition, handler: async () => ({ n: "1" }) });
});

test("a handler whose `returns` is v.null() returns null or nothing", () => {
  const definition = { returns: v.null() };
  defineWorkflow(component, definition).handler(async () => null);
  defineWorkflow(component, definition).handler(async () => {});
  defineWorkflow(component, definition).handler(async () => undefined);
  manager.define(definition).handler(async () => {});
  manager.define({ ...definition, handler: async () => {} });
  // @ts-expect-error -- Text is something.
  defineWorkflow(component, definition).handler(async () => "text");
  // @ts-expect-error -- Text is something.
  manager.define({ ...definition, handler: async () => "text" });
});

test("a handler whose `returns` includes null may return nothing", () => {
  const definition = { returns: v.union(v.string(), v.null()) };
  defineWorkflow(component, definition).handler(async (step) => {
    if (step.workflowId) return "text";
  });
  // @ts-expect-error -- A number is neither.
  defineWorkflow(component, definition).handler(async () => 1);
});

test("without `returns` a handler may return anything", () => {
  defineWorkflow(component, { args: {} }).handler(async () => "text");
  defineWorkflow(component, { args: {} }).handler(async () => {});
  defineWorkflow(component).handler(async () => ({ a: [1] }));
  manager.define({ handler: async () => "text" });
});

test("the type parameters are those of the validators", () => {
  type Args = { name: VString };
  type Returns = VObject<{ text: string }, { text: VString }>;
  defineWorkflow<Args, Returns>(component, {
    args: { name: v.string() },
    returns: v.object({ text: v.string() }),
  });
  manager.define<Args, Returns>({
    args: { name: v.string() },
    returns: v.object({ text: v.string() }),
  });
  defineWorkflow<Args>(component, { args: { name: v.string() } });
  manager.define<Args>({ args: { name: v.string() } });
  defineWorkflow<Args, VNull>(component, {
    args: { name: v.string() },
    // @ts-expect-error -- Not the validator that the type parameter says.
    returns: v.string(),
  });
  expectTypeOf<WorkflowHandler<Args, Returns>>().toEqualTypeOf<
    (step: WorkflowCtx, args: { name: string }) => Promise<{ text: string }>
  >();
  expectTypeOf<WorkflowDefinition<Args, Returns>>().toExtend<{
    args?: Args;
    returns?: Returns;
  }>();
});

test("handlers and definitions can be declared by the types of their validators", () => {
  const args = { name: v.string() };
  const returns = v.object({ text: v.string() });
  const handler: WorkflowHandler<typeof args, typeof returns> = async (
    step,
    { name },
  ) => {
    await step.sleep(1);
    return { text: name };
  };
  const definition: WorkflowDefinition<typeof args, typeof returns> = {
    args,
    returns,
    workpoolOptions: { retryActionsByDefault: true },
  };
  expectTypeOf(
    defineWorkflow(component, definition).handler(handler),
  ).toEqualTypeOf<
    RegisteredMutation<
      "internal",
      WorkflowArgs<typeof args>,
      WorkflowMutationResult<{ text: string }>
    >
  >();
  const untyped: WorkflowHandler<typeof args> = async () => "anything";
  defineWorkflow(component, { args }).handler(untyped);
});

test("a workflow's own pool options are those of retries", () => {
  const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
  new WorkflowManager(component, {
    workpoolOptions: {
      maxParallelism: 5,
      logLevel: "INFO",
      defaultRetryBehavior: retry,
      retryActionsByDefault: true,
    },
  }).define({
    workpoolOptions: {
      defaultRetryBehavior: retry,
      retryActionsByDefault: false,
    },
  });
  manager.define({
    // @ts-expect-error -- The pool is shared: its size is the manager's.
    workpoolOptions: { maxParallelism: 5 },
  });
  // @ts-expect-error -- Not a level.
  new WorkflowManager(component, { workpoolOptions: { logLevel: "LOUD" } });
});

test("the mutation is called directly with the handler's arguments nested", () => {
  type Greet = FunctionArgs<typeof internal.flows.greet>;
  expectTypeOf<Greet["args"]>().toEqualTypeOf<{
    name: string;
    times?: number;
  }>();
  expectTypeOf<{
    args: { name: string };
    startAsync: true;
  }>().toExtend<Greet>();
  expectTypeOf<{ name: string }>().not.toExtend<Greet>();
  expectTypeOf<{ args: { name: number } }>().not.toExtend<Greet>();
  expectTypeOf<FunctionReturnType<typeof internal.flows.greet>>().toEqualTypeOf<
    WorkflowMutationResult<{ text: string }>
  >();
});

test("a module's workflows are internal mutations in the app's api", () => {
  expectTypeOf<keyof typeof internal.flows>().toEqualTypeOf<
    Exclude<keyof typeof flows, "manager">
  >();
  expectTypeOf(internal.flows.greet._type).toEqualTypeOf<"mutation">();
  expectTypeOf(internal.flows.greet._visibility).toEqualTypeOf<"internal">();
});
