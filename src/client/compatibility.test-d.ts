import type { ComponentApi as PublishedComponentApi } from "@convex-dev/workflow-published/_generated/component.js";
import {
  componentsGeneric,
  type FunctionReference,
  type GenericActionCtx,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericQueryCtx,
  type RegisteredMutation,
} from "convex/server";
import {
  v,
  type Infer,
  type VFloat64,
  type VObject,
  type VString,
} from "convex/values";
import { describe, expectTypeOf, test } from "vitest";
import { components, internal } from "../testing/typed/api.js";
import {
  cancel,
  cleanup,
  createEvent,
  defineWorkflow,
  getStatus,
  list,
  listByName,
  listSteps,
  restart,
  sendEvent,
  start,
  vWorkflowId,
  vWorkflowStep,
  WorkflowManager,
  type CallbackOptions,
  type EventId,
  type OnCompleteArgs,
  type PublicWorkflow,
  type RunResult,
  type StartOptions,
  type WorkflowArgs,
  type WorkflowCtx,
  type WorkflowDefinition,
  type WorkflowHandler,
  type WorkflowId,
  type WorkflowMutationResult,
  type WorkflowStatus,
  type WorkflowStep,
} from "./index.js";

// What apps written for 0.4.8 say, and what that package's types refuse although it works.

type QueryCtx = GenericQueryCtx<GenericDataModel>;
type MutationCtx = GenericMutationCtx<GenericDataModel>;
type ActionCtx = GenericActionCtx<GenericDataModel>;
declare const queryCtx: QueryCtx;
declare const mutationCtx: MutationCtx;
declare const step: WorkflowCtx;
declare const workflowId: WorkflowId;
const component = components.workflow;
const manager = new WorkflowManager(component);
const { flows } = internal;

describe("a definition", () => {
  test("of given arguments may have any `returns`", () => {
    const withReturns: WorkflowDefinition<{ a: VString }> = {
      args: { a: v.string() },
      returns: v.number(),
    };
    const without: WorkflowDefinition<{ a: VString }> = {
      args: { a: v.string() },
    };
    const anyArgs: WorkflowDefinition<any> = { args: {}, returns: v.any() };
    manager.define(withReturns).handler(async (_step, { a }) => a.length);
    manager.define(without).handler(async () => "text");
    manager.define(anyArgs).handler(async () => {});
  });

  test("may declare its arguments by v.object()", () => {
    const args = v.object({ a: v.number(), b: v.optional(v.string()) });
    type Given = { a: number; b: string };
    defineWorkflow(component, { args }).handler(async (_step, handed) => {
      expectTypeOf(handed).toEqualTypeOf<{ a: number; b?: string }>();
    });
    const defined = manager.define({
      args,
      returns: v.number(),
      handler: async (_step, { a }) => a,
    });
    const inTwo = manager
      .define({ args, returns: v.number() })
      .handler(async (_step, { a }) => a);
    expectTypeOf(inTwo).toEqualTypeOf(defined);
    expectTypeOf<{ args: Given }>().toExtend<WorkflowArgs<typeof args>>();
    expectTypeOf<WorkflowArgs<typeof args>["args"]>().toEqualTypeOf<{
      a: number;
      b?: string;
    }>();
    const { handler } = manager.define({ args, returns: v.number() });
    // @ts-expect-error -- A text is no number.
    handler(async (_step, { b }) => b ?? "");
    // @ts-expect-error -- The arguments of a function are one object.
    manager.define({ args: v.string() }).handler(async () => 1);
  });

  test("has the types of its validators as parameters", () => {
    type Args = { a: VFloat64 };
    type Returns = VObject<{ b: string }, { b: VString }>;
    const definition: WorkflowDefinition<Args, Returns> = {
      args: { a: v.number() },
      returns: v.object({ b: v.string() }),
    };
    const handler: WorkflowHandler<Args, Returns> = async (_step, { a }) => ({
      b: String(a),
    });
    type Defined = RegisteredMutation<
      "internal",
      WorkflowArgs<Args>,
      WorkflowMutationResult<{ b: string }>
    >;
    expectTypeOf(
      defineWorkflow<Args, Returns>(component, definition).handler(handler),
    ).toEqualTypeOf<Defined>();
    expectTypeOf(
      manager.define<Args, Returns>(definition).handler(handler),
    ).toEqualTypeOf<Defined>();
    expectTypeOf(
      manager.define<Args, Returns>({ ...definition, handler }),
    ).toEqualTypeOf<Defined>();
  });
});

describe("what is stored is of any type", () => {
  test("a step in flight has `runResult` and `completedAt`, and its kind may be asked for", () => {
    const seen = (status: WorkflowStatus) =>
      status.type === "inProgress" &&
      status.running.map((running) => [
        running.kind === undefined ? running.name : "",
        running.completedAt?.toFixed(),
        running.runResult?.kind === "success" &&
          running.runResult.returnValue.anything,
        running.kind === "event" && running.eventId,
        running.kind === "workflow" && running.workflowId,
        running.kind === "function" && running.functionType,
      ]);
    expectTypeOf(seen).toBeFunction();
    type Running = Extract<
      WorkflowStatus,
      { type: "inProgress" }
    >["running"][number];
    expectTypeOf<Running["completedAt"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<NonNullable<Running["runResult"]>>().toExtend<RunResult>();
  });

  test("arguments of steps in flight, arguments and contexts of listed runs are any", () => {
    type Running = Extract<
      WorkflowStatus,
      { type: "inProgress" }
    >["running"][number];
    expectTypeOf<Running["args"]>().toBeAny();
    expectTypeOf<PublicWorkflow["args"]>().toBeAny();
    expectTypeOf<PublicWorkflow["context"]>().toBeAny();
  });

  test("vWorkflowStep is an object whose fields can be spread", () => {
    const labeled = v.object({ ...vWorkflowStep.fields, label: v.string() });
    expectTypeOf(labeled.type.label).toBeString();
    expectTypeOf(labeled.type.kind).toEqualTypeOf<WorkflowStep["kind"]>();
    expectTypeOf(labeled.type.nestedWorkflowId).toEqualTypeOf<
      WorkflowId | undefined
    >();
    expectTypeOf<Infer<typeof vWorkflowStep>>().toEqualTypeOf<WorkflowStep>();
  });
});

describe("onComplete", () => {
  type Mutation<Args extends Record<string, any>> = FunctionReference<
    "mutation",
    "internal",
    Args,
    null
  >;
  type Context = { z: number };
  type Result = { result: RunResult };
  type ById = Mutation<{ workflowId: WorkflowId; context: Context } & Result>;
  type ByText = Mutation<{ workflowId: string; context: Context } & Result>;
  type ByNumber = Mutation<{ workflowId: number; context: Context } & Result>;
  type OfAnyContext = Mutation<{ workflowId: string; context: any } & Result>;
  type OfAnyResult = Mutation<{
    workflowId: string;
    result: any;
    context: Context;
  }>;
  type OfAny = FunctionReference<"mutation", "internal">;
  type OfNull = FunctionReference<"mutation", "public", OnCompleteArgs<null>>;
  const context = { z: 1 };
  const of = <Reference>() => ({}) as Reference;
  const begin = <C>(options: StartOptions<C>) => {
    void manager.start(mutationCtx, flows.noArgs, {}, options);
    return start(mutationCtx, flows.noArgs, {}, options);
  };

  test("declares its workflowId as a string or as an id", () => {
    void begin({ onComplete: of<ById>(), context });
    void begin({ onComplete: of<ByText>(), context });
    void begin({ onComplete: of<OfAnyResult>(), context });
    void begin({ onComplete: of<OfAnyContext>(), context });
    void begin({ onComplete: of<OfAny>(), context });
    void begin({ onComplete: of<OfNull>(), context: null });
    const options: CallbackOptions<Context> = {
      onComplete: of<ByText>(),
      context,
    };
    void begin(options);
    const untyped = (some?: CallbackOptions & { startAsync?: boolean }) =>
      start(mutationCtx, flows.noArgs, {}, some);
    expectTypeOf(untyped).returns.toEqualTypeOf<Promise<WorkflowId>>();
  });

  test("takes this context, and an id that is a string", () => {
    // @ts-expect-error -- Not the context that it takes.
    void begin({ onComplete: of<ByText>(), context: { z: "1" } });
    // @ts-expect-error -- A number is no id.
    void begin({ onComplete: of<ByNumber>(), context });
    // @ts-expect-error -- The context is missing.
    void begin({ onComplete: of<ByText>() });
  });
});

describe("a ctx", () => {
  test("of a handler stands in for a mutation's where only functions are run", () => {
    type Methods = "runQuery" | "runMutation";
    expectTypeOf<WorkflowCtx>().toExtend<Pick<MutationCtx, Methods>>();
    const helper = (_ctx: Pick<MutationCtx, Methods>) => 1;
    manager.define({ args: {} }).handler(async (handed) => helper(handed));
  });

  test("of a handler stands in where a component's client asks for `meta` too", () => {
    // As those of rate-limiter 0.4 and aggregate 0.3.
    type Client = (
      ctx:
        | Pick<QueryCtx, "runQuery" | "meta">
        | Pick<MutationCtx, "runQuery" | "runMutation" | "meta">
        | Pick<ActionCtx, "runQuery" | "runMutation" | "runAction" | "meta">,
    ) => Promise<void>;
    expectTypeOf<Client>().toBeCallableWith(step);
    expectTypeOf<WorkflowCtx["meta"]>().toEqualTypeOf<MutationCtx["meta"]>();
    expectTypeOf(step.meta.getFunctionMetadata()).resolves.toHaveProperty(
      "componentPath",
    );
  });

  test("of a query can't start a run, and a mutation that is no workflow can't be one", () => {
    // @ts-expect-error -- A query can't run mutations.
    void start(queryCtx, flows.noArgs, {});
    // @ts-expect-error -- A query can't run mutations.
    void manager.start(queryCtx, flows.noArgs, {});
    const { save } = internal.functions;
    // @ts-expect-error -- It is no workflow.
    void start(mutationCtx, save, { text: "" });
    // @ts-expect-error -- It is no workflow.
    void manager.start(mutationCtx, save, { text: "" });
    // @ts-expect-error -- It is no workflow.
    void step.runWorkflow(save, { text: "" });
  });
});

test("a component's type that codegen inlined for 0.4.8 is accepted wherever one is given", () => {
  const stale = componentsGeneric()[
    "workflow"
  ] as unknown as PublishedComponentApi;
  new WorkflowManager(stale).define({ args: {}, handler: async () => {} });
  defineWorkflow(stale, { args: {} }).handler(async () => {});
  void getStatus(queryCtx, stale, workflowId);
  void list(queryCtx, stale);
  void listByName(queryCtx, stale, "a:b");
  void listSteps(queryCtx, stale, workflowId);
  void cancel(mutationCtx, stale, workflowId);
  void restart(mutationCtx, stale, workflowId);
  void cleanup(mutationCtx, stale, workflowId);
  void createEvent(mutationCtx, stale, { name: "a", workflowId });
  void sendEvent(mutationCtx, stale, { id: "" as EventId, value: 1 });
  v.object({ workflowId: vWorkflowId });
});
