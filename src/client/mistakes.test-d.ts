import { v } from "convex/values";
import { describe, expectTypeOf, test } from "vitest";
import {
  component,
  flows,
  functions,
  manager,
  mutationCtx as ctx,
  step,
  workflowId,
} from "../testing/typed/given.js";
import type { RetryBehavior } from "../shared/retry.js";
import type { ListOptions } from "./calls.js";
import type { AwaitedEvent } from "./context.js";
import type { SentEvent } from "./events.js";
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
} from "./index.js";
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

const name = { name: "Ann" };
const url = { url: "/" };

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
    // @ts-expect-error -- milliseconds
    void step.sleep("1 day");
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

type Keys<Options> = Options extends unknown ? keyof Options : never;

test("the options known at run time are exactly those of the types", () => {
  type Known = {
    -readonly [Name in keyof typeof OPTIONS]: (typeof OPTIONS)[Name][number];
  };
  type CancelOptions = NonNullable<Parameters<typeof cancel>[3]>;
  type RestartOptions = NonNullable<Parameters<typeof restart>[3]>;
  type ListRunsOptions = NonNullable<Parameters<typeof list>[2]>;
  type Typed = {
    start: Keys<StartOptions>;
    restart: Keys<RestartOptions>;
    cancel: Keys<CancelOptions>;
    list: Keys<ListRunsOptions>;
    listByName: Exclude<Keys<ListRunsOptions>, "name">;
    listSteps: Keys<ListOptions>;
    workpoolOptions: Keys<WorkpoolOptions>;
    withOptions: Keys<StepDefaults>;
    retry: keyof RetryBehavior;
    step: Keys<RunOptions & InlineOptions & RetryOption>;
    event: Keys<SentEvent> | Keys<AwaitedEvent<unknown, string>>;
    definition: Keys<WorkflowDefinition> | "handler";
  };
  expectTypeOf<Pick<Known, keyof Typed>>().toEqualTypeOf<Typed>();
});
