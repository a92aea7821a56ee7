import type {
  CallbackOptions,
  EventId,
  OnCompleteArgs,
  PublicWorkflow,
  RunMutationCtx,
  RunOptions,
  RunQueryCtx,
  RunResult,
  SchedulerOptions,
  StartOptions,
  StepDefaults,
  TransactionLimits,
  WorkflowArgs,
  WorkflowComponent,
  WorkflowCtx,
  WorkflowDefinition,
  WorkflowHandler,
  WorkflowId,
  WorkflowMutationResult,
  WorkflowStatus,
  WorkflowStep,
} from "@convex-dev/workflow";
import type { ComponentApi } from "@convex-dev/workflow/_generated/component.js";
import type component from "@convex-dev/workflow/convex.config";
import type sameComponent from "@convex-dev/workflow/convex.config.js";
import type testHelper from "@convex-dev/workflow/test";
import type { ComponentDefinition, FunctionReference } from "convex/server";
import type { VFloat64, VString } from "convex/values";
import { expectTypeOf, test } from "vitest";

test("every type can be named by an app, with or without its parameters", () => {
  type Args = { a: VString };
  type Everything = [
    CallbackOptions,
    CallbackOptions<string>,
    EventId,
    EventId<"a">,
    OnCompleteArgs,
    OnCompleteArgs<string>,
    PublicWorkflow,
    RunMutationCtx,
    RunOptions,
    RunQueryCtx,
    RunResult,
    RunResult<number>,
    SchedulerOptions,
    StartOptions,
    StartOptions<string>,
    StepDefaults,
    TransactionLimits,
    WorkflowArgs<Args>,
    WorkflowArgs<Args, string>,
    WorkflowComponent,
    WorkflowCtx,
    WorkflowDefinition<Args>,
    WorkflowDefinition<Args, VFloat64>,
    WorkflowHandler<Args>,
    WorkflowHandler<Args, VFloat64>,
    WorkflowId,
    WorkflowMutationResult,
    WorkflowMutationResult<number>,
    WorkflowStatus,
    WorkflowStep,
  ];
  type IsAny<T> = 0 extends 1 & T ? true : false;
  type AreAny<All extends unknown[]> = { [Key in keyof All]: IsAny<All[Key]> };
  expectTypeOf<AreAny<Everything>[number]>().toEqualTypeOf<false>();
});

test("the other entry points have their types", () => {
  expectTypeOf<typeof component>().toExtend<ComponentDefinition>();
  expectTypeOf<typeof sameComponent>().toEqualTypeOf<typeof component>();
  expectTypeOf<ComponentApi>().toExtend<WorkflowComponent>();
  expectTypeOf<keyof typeof testHelper>().toEqualTypeOf<
    "register" | "schema" | "modules"
  >();
});

test("the component's functions keep the names and arguments that deployed apps call", () => {
  type Args<Reference> =
    Reference extends FunctionReference<any, any, infer Given> ? Given : never;
  expectTypeOf<{
    workflowName: string;
    workflowHandle: string;
    workflowArgs: unknown;
    maxParallelism?: number;
    onComplete?: { fnHandle: string; context?: unknown };
    startAsync?: boolean;
    createOnly?: boolean;
  }>().toExtend<Args<ComponentApi["workflow"]["create"]>>();
  type Of = { workflowId: string };
  type Page = { paginationOpts: { numItems: number; cursor: string | null } };
  expectTypeOf<Of>().toExtend<Args<ComponentApi["workflow"]["getStatus"]>>();
  expectTypeOf<Page>().toExtend<Args<ComponentApi["workflow"]["list"]>>();
  expectTypeOf<Page & { name: string; order?: "asc" | "desc" }>().toExtend<
    Args<ComponentApi["workflow"]["listByName"]>
  >();
  expectTypeOf<Page & Of>().toExtend<
    Args<ComponentApi["workflow"]["listSteps"]>
  >();
  expectTypeOf<
    Of & { from?: number | string; startAsync?: boolean }
  >().toExtend<Args<ComponentApi["workflow"]["restart"]>>();
  expectTypeOf<Of>().toExtend<Args<ComponentApi["workflow"]["cancel"]>>();
  expectTypeOf<
    Of & { generationNumber: number; runResult: RunResult }
  >().toExtend<Args<ComponentApi["workflow"]["complete"]>>();
  expectTypeOf<Of & { force?: boolean }>().toExtend<
    Args<ComponentApi["workflow"]["cleanup"]>
  >();
  expectTypeOf<Of & { shortCircuit?: boolean }>().toExtend<
    Args<ComponentApi["journal"]["load"]>
  >();
  expectTypeOf<
    Of & {
      generationNumber: number;
      steps: {
        step: {
          kind: "function";
          functionType: "query" | "mutation" | "action";
          handle: string;
          name: string;
          inProgress: boolean;
          argsSize: number;
          args: unknown;
          startedAt: number;
        };
        retry?: boolean;
        schedulerOptions?: { runAt?: number };
      }[];
      workpoolOptions?: { maxParallelism?: number };
    }
  >().toExtend<Args<ComponentApi["journal"]["startSteps"]>>();
  expectTypeOf<Of & { name: string }>().toExtend<
    Args<ComponentApi["event"]["create"]>
  >();
  expectTypeOf<{
    eventId?: string;
    name?: string;
    workflowId?: string;
    result: RunResult;
    workpoolOptions?: { maxParallelism?: number };
  }>().toExtend<Args<ComponentApi["event"]["send"]>>();
});
