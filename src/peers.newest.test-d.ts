import { defineTestApp } from "convex-test";
import {
  defineSchema,
  type FunctionReference_future,
  type GenericDataModel,
  type GenericMutationCtx,
} from "convex/server";
import { expectTypeOf, test } from "vitest";
import {
  start,
  WorkflowManager,
  type OnCompleteArgs,
  type RunResult,
  type StartOptions,
  type WorkflowCtx,
  type WorkflowId,
} from "./client/index.js";
import type { ComponentApi } from "./component/_generated/component.js";
import * as testHelper from "./test.js";
import { components, internal } from "./testing/typed/api.js";

// What only the newest peers can say: `npm run test:peers` leaves this file out with older ones.

declare const ctx: GenericMutationCtx<GenericDataModel>;
const manager = new WorkflowManager(components.workflow);
const { flows } = internal;
type Context = { z: number };
type Future<Args extends Record<string, any>> = FunctionReference_future<
  "mutation",
  "internal",
  Args,
  null
>;

test("onComplete may be a FunctionReference_future", () => {
  type Result = { result: RunResult };
  type Exact = Future<OnCompleteArgs<Context>>;
  type ByText = Future<{ workflowId: string; context: Context } & Result>;
  type OfMoreContexts = Future<
    { workflowId: string; context?: Context | null } & Result
  >;
  type OfOther = Future<
    { workflowId: WorkflowId; context: { y: number } } & Result
  >;
  type OfMore = Future<OnCompleteArgs<Context> & { more: string }>;
  const context = { z: 1 };
  const of = <Reference>() => ({}) as Reference;
  const begin = (options: StartOptions<Context>) =>
    start(ctx, flows.noArgs, {}, options);
  void start(ctx, flows.noArgs, {}, { onComplete: of<ByText>(), context });
  void manager.start(
    ctx,
    flows.noArgs,
    {},
    { onComplete: of<ByText>(), context },
  );
  void begin({ onComplete: of<Exact>(), context });
  void begin({ onComplete: of<OfMoreContexts>(), context });
  // @ts-expect-error -- Not the context that it takes.
  void begin({ onComplete: of<OfOther>(), context });
  // @ts-expect-error -- It takes something that nobody gives it.
  void begin({ onComplete: of<OfMore>(), context });
});

test("a step runs functions by a FunctionReference_future", () => {
  type Reference<Type extends "query" | "mutation" | "action"> =
    FunctionReference_future<Type, "internal", { a: string }, number>;
  const run = async (
    step: WorkflowCtx,
    query: Reference<"query">,
    mutation: Reference<"mutation">,
    action: Reference<"action">,
  ) => [
    await step.runQuery(query, { a: "" }),
    await step.runMutation(mutation, { a: "" }),
    await step.runAction(action, { a: "" }, { retry: true }),
  ];
  expectTypeOf(run).returns.toEqualTypeOf<Promise<number[]>>();
});

test("register gives defineTestApp the component's type", () => {
  const app = defineTestApp({
    schema: defineSchema({}),
    components: { workflow: testHelper, flows: testHelper.default },
  });
  expectTypeOf(app.components.workflow.event.send).toEqualTypeOf<
    ComponentApi<"workflow">["event"]["send"]
  >();
  expectTypeOf(app.components.flows.workflow.create).toEqualTypeOf<
    ComponentApi<"flows">["workflow"]["create"]
  >();
});
