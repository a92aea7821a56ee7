import { v } from "convex/values";
import type * as app from "../../example/convex/_generated/server.js";
import { describe, expectTypeOf, test } from "vitest";
import { components, internal } from "../testing/typed/api.js";
import {
  cancel,
  createEvent,
  defineEvent,
  defineWorkflow,
  list,
  listSteps,
  restart,
  sendEvent,
  start,
  WorkflowManager,
  type WorkflowCtx,
  type WorkflowId,
} from "./index.js";
import type { RetryBehavior } from "../shared/retry.js";
import type { AwaitedEvent } from "./context.js";
import type { SentEvent } from "./events.js";
import type {
  CancelOptions,
  ListOptions,
  ListRunsOptions,
  RestartOptions,
} from "./management.js";
import type { OPTIONS } from "./options.js";
import type {
  InlineOptions,
  RetryOption,
  RunOptions,
  StartOptions,
  StepDefaults,
  WorkflowDefinition,
  WorkpoolOptions,
} from "./types.js";

declare const queryCtx: app.QueryCtx;
declare const ctx: app.MutationCtx;
declare const step: WorkflowCtx;
declare const workflowId: WorkflowId;
const component = components.workflow;
const manager = new WorkflowManager(component);
const { flows, functions } = internal;
const name = { name: "Ann" };
const url = { url: "/" };

test("the type checker accepts the calls below, made right", () => {
  void start(ctx, flows.greet, name, {
    onComplete: functions.onCompleteOfAnything,
    context: null,
  });
  void step.runAction(functions.fetchText, url, { retry: true });
  void sendEvent(ctx, component, { name: "go", workflowId, value: 1 });
});

describe("the type checker refuses an unknown option", () => {
  test("of the functions that manage runs", () => {
    // @ts-expect-error -- startAsync
    void start(ctx, flows.greet, name, { async: true });
    // @ts-expect-error -- from
    void restart(ctx, component, workflowId, { form: 0 });
    // @ts-expect-error -- ifFinished
    void cancel(ctx, component, workflowId, { force: true });
    // @ts-expect-error -- paginationOpts
    void list(ctx, component, { limit: 5 });
    // @ts-expect-error -- paginationOpts
    void listSteps(ctx, component, workflowId, { limit: 5 });
    // @ts-expect-error -- value
    void sendEvent(ctx, component, { name: "go", workflowId, payload: 1 });
    // @ts-expect-error -- no value
    void createEvent(ctx, component, { name: "go", workflowId, value: 1 });
  });

  test("of steps", () => {
    // @ts-expect-error -- retry
    void step.runAction(functions.fetchText, url, { retries: 3 });
    // @ts-expect-error -- maxAttempts
    void step.runAction(functions.fetchText, url, { retry: { attempts: 3 } });
    // @ts-expect-error -- name
    void step.sleep(1, { names: "x" });
    // @ts-expect-error -- timeout
    void step.awaitEvent({ name: "go", timeoutMs: 5 });
    // @ts-expect-error -- inline is for one call
    step.withOptions({ inline: true });
  });

  test("of managers, definitions and events", () => {
    // @ts-expect-error -- in workpoolOptions
    new WorkflowManager(component, { maxParallelism: 5 });
    // @ts-expect-error -- maxParallelism
    new WorkflowManager(component, { workpoolOptions: { parallelism: 5 } });
    // @ts-expect-error -- args
    manager.define({ arguments: {} });
    // @ts-expect-error -- args
    defineWorkflow(component, { arguments: {} });
    // @ts-expect-error -- validator
    defineEvent({ name: "go", validators: v.string() });
  });
});

describe("the type checker refuses", () => {
  test("a query's ctx where something is written", () => {
    // @ts-expect-error -- it has no runMutation
    void start(queryCtx, flows.greet, name);
    // @ts-expect-error -- it has no runMutation
    void sendEvent(queryCtx, component, { name: "go", workflowId });
  });

  test("what only a function's ctx has, on step", () => {
    // @ts-expect-error -- in a step
    void step.db;
    // @ts-expect-error -- in a step
    void step.scheduler;
    // @ts-expect-error -- in a step
    void step.auth;
  });

  test("arguments with `args` around them, a duration as a text, and an action as onComplete", () => {
    // @ts-expect-error -- as they are
    void start(ctx, flows.greet, { args: name });
    // @ts-expect-error -- milliseconds
    void step.sleep("1 day");
    void start(ctx, flows.greet, name, {
      // @ts-expect-error -- a mutation
      onComplete: functions.fetchText,
      context: null,
    });
  });
});

type Keys<Options> = Options extends unknown ? keyof Options : never;
type Known<Name extends keyof typeof OPTIONS> = (typeof OPTIONS)[Name][number];

test("every option of a type is known at run time, and no other", () => {
  expectTypeOf<Known<"start">>().toEqualTypeOf<Keys<StartOptions>>();
  expectTypeOf<Known<"restart">>().toEqualTypeOf<Keys<RestartOptions>>();
  expectTypeOf<Known<"cancel">>().toEqualTypeOf<Keys<CancelOptions>>();
  expectTypeOf<Known<"list">>().toEqualTypeOf<Keys<ListRunsOptions>>();
  expectTypeOf<Known<"listByName">>().toEqualTypeOf<
    Exclude<Keys<ListRunsOptions>, "name">
  >();
  expectTypeOf<Known<"listSteps">>().toEqualTypeOf<Keys<ListOptions>>();
  expectTypeOf<Known<"workpool">>().toEqualTypeOf<Keys<WorkpoolOptions>>();
  expectTypeOf<Known<"defaults">>().toEqualTypeOf<Keys<StepDefaults>>();
  expectTypeOf<Known<"retry">>().toEqualTypeOf<keyof RetryBehavior>();
  expectTypeOf<Known<"step">>().toEqualTypeOf<
    Keys<RunOptions & InlineOptions & RetryOption>
  >();
  expectTypeOf<Known<"event">>().toEqualTypeOf<
    Keys<SentEvent> | Keys<AwaitedEvent<unknown, string>>
  >();
  expectTypeOf<Known<"definition">>().toEqualTypeOf<
    Keys<WorkflowDefinition> | "handler"
  >();
});
