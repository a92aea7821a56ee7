import type { FunctionReturnType, RegisteredMutation } from "convex/server";
import {
  v,
  type VFloat64,
  type VNull,
  type VObject,
  type VString,
} from "convex/values";
import { describe, expectTypeOf, test } from "vitest";
import type * as modules from "../testing/typed/flows.js";
import { component, flows, manager } from "../testing/typed/given.js";
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

type Args = { name: VString };
type Returns = VObject<{ text: string }, { text: VString }>;
/** A definition is a registered mutation with the types of its arguments and return value. */
type Defined = RegisteredMutation<
  "internal",
  WorkflowArgs<Args>,
  WorkflowMutationResult<{ text: string }>
>;
const args = { name: v.string() };
const returns = v.object({ text: v.string() });

describe("all ways to define a workflow result in the same type", () => {
  test("with inferred types, type parameters or earlier declarations", () => {
    const definition: WorkflowDefinition<Args, Returns> = { args, returns };
    const handler: WorkflowHandler<Args, Returns> = async (step, { name }) => {
      await step.sleep(1);
      return { text: name };
    };
    const inferred = { args, returns };
    const plain = async (_step: WorkflowCtx, { name }: { name: string }) => ({
      text: name,
    });
    expectTypeOf({
      byFunction: defineWorkflow(component, inferred).handler(plain),
      byManager: manager.define(inferred).handler(plain),
      inOneObject: manager.define({ ...inferred, handler: plain }),
      declared: defineWorkflow(component, definition).handler(handler),
      parameters: defineWorkflow<Args, Returns>(component, definition).handler(
        handler,
      ),
      ofManager: manager.define<Args, Returns>(definition).handler(handler),
      inOne: manager.define<Args, Returns>({ ...definition, handler }),
    }).toEqualTypeOf<{
      byFunction: Defined;
      byManager: Defined;
      inOneObject: Defined;
      declared: Defined;
      parameters: Defined;
      ofManager: Defined;
      inOne: Defined;
    }>();
    expectTypeOf<WorkflowMutationResult<boolean>>().toEqualTypeOf<
      WorkflowId | { kind: "complete"; runResult: RunResult<boolean> }
    >();
    expectTypeOf<WorkflowMutationResult>().toEqualTypeOf<
      WorkflowMutationResult<unknown>
    >();
  });

  test("with type parameters that match its validators", () => {
    defineWorkflow<Args>(component, { args });
    manager.define<Args>({ args });
    // @ts-expect-error -- Not the validator that the type parameter says.
    defineWorkflow<Args, VNull>(component, { args, returns: v.string() });
    expectTypeOf<WorkflowHandler<Args, Returns>>().toEqualTypeOf<
      (step: WorkflowCtx, args: { name: string }) => Promise<{ text: string }>
    >();
    expectTypeOf<WorkflowDefinition<Args, Returns>>().toExtend<{
      args?: Args;
      returns?: Returns;
    }>();
    const untyped: WorkflowHandler<typeof args> = async () => "anything";
    defineWorkflow(component, { args }).handler(untyped);
  });

  test("and of given arguments may have any `returns`", () => {
    const withReturns: WorkflowDefinition<Args> = { args, returns: v.number() };
    const without: WorkflowDefinition<Args> = { args };
    const anyArgs: WorkflowDefinition<any> = { args: {}, returns: v.any() };
    manager.define(withReturns).handler(async (_step, { name }) => name.length);
    manager.define(without).handler(async () => "text");
    manager.define(anyArgs).handler(async () => {});
  });
});

test("a handler receives the step context and the arguments that are validated", () => {
  type Received = { name: string; n?: number };
  const definition = { args: { name: v.string(), n: v.optional(v.number()) } };
  defineWorkflow(component, definition).handler(async (...received) => {
    expectTypeOf(received).toEqualTypeOf<[WorkflowCtx, Received]>();
  });
  manager.define(definition).handler(async (...received) => {
    expectTypeOf(received).toEqualTypeOf<[WorkflowCtx, Received]>();
  });
  manager.define({
    args: { name: v.string(), n: v.optional(v.number()) },
    handler: async (step, received) => {
      expectTypeOf(step).toEqualTypeOf<WorkflowCtx>();
      expectTypeOf(received).toEqualTypeOf<Received>();
    },
  });
});

test("arguments may be declared by v.object()", () => {
  const object = v.object({ a: v.number(), b: v.optional(v.string()) });
  type Given = { a: number; b?: string };
  const definition = { args: object, returns: v.number() };
  defineWorkflow(component, { args: object }).handler(async (_step, given) => {
    expectTypeOf(given).toEqualTypeOf<Given>();
  });
  const inOne = manager.define({
    ...definition,
    handler: async (_step, { a }) => a,
  });
  const { handler } = manager.define(definition);
  expectTypeOf(handler(async (_step, { a }) => a)).toEqualTypeOf(inOne);
  expectTypeOf<WorkflowArgs<typeof object>["args"]>().toEqualTypeOf<Given>();
  expectTypeOf<{ args: Given }>().toExtend<WorkflowArgs<typeof object>>();
  expectTypeOf<WorkflowArgs<{ a: VFloat64 }>["args"]>().toEqualTypeOf<{
    a: number;
  }>();
  // @ts-expect-error -- A string isn't a number.
  handler(async (_step, { b }) => b ?? "");
  // @ts-expect-error -- The arguments of a function are one object.
  manager.define({ args: v.string() }).handler(async () => 1);
});

describe("a handler must return a value that matches `returns`", () => {
  test("an object", () => {
    const definition = { args: {}, returns: v.object({ n: v.number() }) };
    const { handler } = defineWorkflow(component, definition);
    handler(async () => ({ n: 1 }));
    manager.define({ ...definition, handler: async () => ({ n: 1 }) });
    // @ts-expect-error -- A string isn't a number.
    handler(async () => ({ n: "1" }));
    // @ts-expect-error -- Nothing is no object.
    handler(async () => {});
    // @ts-expect-error -- It may return nothing.
    handler(async (_step, given) => {
      if ("x" in given) return { n: 1 };
    });
    // @ts-expect-error -- A handler is async.
    handler(() => ({ n: 1 }));
    // @ts-expect-error -- A string isn't a number.
    manager.define(definition).handler(async () => ({ n: "1" }));
    // @ts-expect-error -- A string isn't a number.
    manager.define({ ...definition, handler: async () => ({ n: "1" }) });
  });

  test("null or nothing, where it is v.null()", () => {
    const definition = { returns: v.null() };
    const { handler } = defineWorkflow(component, definition);
    handler(async () => null);
    handler(async () => {});
    handler(async () => undefined);
    manager.define(definition).handler(async () => {});
    manager.define({ ...definition, handler: async () => {} });
    // @ts-expect-error -- A string isn't null.
    handler(async () => "text");
    // @ts-expect-error -- A string isn't null.
    manager.define({ ...definition, handler: async () => "text" });
  });

  test("or nothing, where it includes null", () => {
    const definition = { returns: v.union(v.string(), v.null()) };
    const { handler } = defineWorkflow(component, definition);
    handler(async (step) => {
      if (step.workflowId) return "text";
    });
    // @ts-expect-error -- A number is neither.
    handler(async () => 1);
  });

  test("or anything, without `returns`", () => {
    defineWorkflow(component, { args: {} }).handler(async () => "text");
    defineWorkflow(component, { args: {} }).handler(async () => {});
    defineWorkflow(component).handler(async () => ({ a: [1] }));
    manager.define({ handler: async () => "text" });
  });
});

test("a workflow's own workpool options are only those for retries", () => {
  const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
  const ofAll = { maxParallelism: 5, logLevel: "INFO" as const };
  const own = { defaultRetryBehavior: retry, retryActionsByDefault: true };
  const workpoolOptions = { ...ofAll, ...own };
  new WorkflowManager(component, { workpoolOptions });
  manager.define({ workpoolOptions: own });
  // @ts-expect-error -- The pool is shared: its size is the manager's.
  manager.define({ workpoolOptions: { maxParallelism: 5 } });
  // @ts-expect-error -- Not a level.
  new WorkflowManager(component, { workpoolOptions: { logLevel: "LOUD" } });
});

test("the app's api has a module's workflows as internal mutations", () => {
  expectTypeOf<keyof typeof flows>().toEqualTypeOf<
    Exclude<keyof typeof modules, "manager">
  >();
  expectTypeOf(flows.greet._type).toEqualTypeOf<"mutation">();
  expectTypeOf(flows.greet._visibility).toEqualTypeOf<"internal">();
  expectTypeOf<FunctionReturnType<typeof flows.greet>>().toEqualTypeOf<
    WorkflowMutationResult<{ text: string }>
  >();
});
