import type { PaginationResult } from "convex/server";
import { v, type Infer } from "convex/values";
import type { components as generated } from "../../example/convex/_generated/api.js";
import type * as app from "../../example/convex/_generated/server.js";
import { vResult, type WorkId } from "@convex-dev/workpool";
import { expectTypeOf, test } from "vitest";
import type { ComponentApi } from "../component/_generated/component.js";
import { components, internal } from "../testing/typed/api.js";
import {
  cancel,
  cleanup,
  getStatus,
  list,
  listByName,
  listSteps,
  type NonRetryableError,
  restart,
  type TimeoutError,
  vResultValidator,
  vWorkflowId,
  type vWorkflowStep,
  WorkflowManager,
  type EventId,
  type PublicWorkflow,
  type RunMutationCtx,
  type RunResult,
  type WorkflowComponent,
  type WorkflowId,
  type WorkflowStatus,
  type WorkflowStep,
} from "./index.js";

declare const queryCtx: app.QueryCtx;
declare const mutationCtx: app.MutationCtx;
declare const workflowId: WorkflowId;
const component = components.workflow;
const manager = new WorkflowManager(component);
const { flows, functions } = internal;

test("a status is told apart by its type", () => {
  expectTypeOf(getStatus(queryCtx, component, workflowId)).toEqualTypeOf<
    Promise<WorkflowStatus>
  >();
  const seen = (status: WorkflowStatus) => {
    switch (status.type) {
      case "inProgress":
        expectTypeOf(status.running).items.toExtend<{
          name: string;
          kind?: WorkflowStep["kind"];
          args: unknown;
          startedAt: number;
        }>();
        return status.running.map((running) =>
          running.kind === "workflow" ? running.workflowId : running.name,
        );
      case "completed":
        return expectTypeOf(status.result).toBeUnknown();
      case "canceled":
        return expectTypeOf(status).toEqualTypeOf<{
          type: "canceled";
          progress?: any;
        }>();
      case "failed":
        return expectTypeOf(status.error).toBeString();
      default:
        return expectTypeOf(status).toBeNever();
    }
  };
  expectTypeOf(seen).parameter(0).toEqualTypeOf<WorkflowStatus>();
  expectTypeOf<WorkflowStatus>().not.toHaveProperty("result");
  expectTypeOf<
    Extract<WorkflowStatus<number>, { type: "completed" }>["result"]
  >().toBeNumber();
});

test("a result is told apart by its kind", () => {
  expectTypeOf<RunResult>().toExtend<Infer<typeof vResultValidator>>();
  expectTypeOf<Infer<typeof vResultValidator>>().toExtend<RunResult>();
  expectTypeOf(vResultValidator).toEqualTypeOf(vResult);
  const text = (result: RunResult<number>): unknown => {
    switch (result.kind) {
      case "success":
        return expectTypeOf(result.returnValue).toBeNumber();
      case "failed":
        return expectTypeOf(result.error).toBeString();
      case "canceled":
        return expectTypeOf(result).toEqualTypeOf<{ kind: "canceled" }>();
      default:
        return expectTypeOf(result).toBeNever();
    }
  };
  expectTypeOf(text).toBeFunction();
});

test("listed runs and steps come in pages", () => {
  const paginationOpts = { numItems: 10, cursor: null };
  expectTypeOf(
    list(queryCtx, component, { order: "desc", paginationOpts }),
  ).toEqualTypeOf<Promise<PaginationResult<PublicWorkflow>>>();
  expectTypeOf(
    listByName(queryCtx, component, "a:b", { paginationOpts }),
  ).toEqualTypeOf<Promise<PaginationResult<PublicWorkflow>>>();
  expectTypeOf(
    listSteps(queryCtx, component, workflowId, { order: "asc" }),
  ).toEqualTypeOf<Promise<PaginationResult<WorkflowStep>>>();
  expectTypeOf<PublicWorkflow>().toEqualTypeOf<{
    workflowId: WorkflowId;
    name?: string;
    args: any;
    context?: any;
    runResult?: RunResult;
    status: "inProgress" | "completed" | "failed" | "canceled";
    startedAt: number;
    endedAt?: number;
    error?: string;
    progress?: any;
    parent?: { workflowId: WorkflowId; stepNumber: number };
    blockedOn: {
      stepNumber: number;
      name: string;
      kind: "function" | "workflow" | "event" | "sleep";
    }[];
  }>();
  // @ts-expect-error -- An order is one or the other.
  void list(queryCtx, component, { order: "up" });
  // @ts-expect-error -- A status is one of four.
  void list(queryCtx, component, { status: "running" });
});

test("a listed step is told apart by its kind", () => {
  expectTypeOf<WorkflowStep>().toExtend<{
    workflowId: WorkflowId;
    name: string;
    stepId: string;
    stepNumber: number;
    args: unknown;
    runResult?: RunResult;
    startedAt: number;
    completedAt?: number;
  }>();
  type Of<Kind extends WorkflowStep["kind"]> = Extract<
    WorkflowStep,
    { kind: Kind }
  >;
  const seen = (listed: WorkflowStep) => {
    switch (listed.kind) {
      case "function":
        return expectTypeOf(listed.workId).toEqualTypeOf<WorkId | undefined>();
      case "workflow":
        return expectTypeOf(
          listed.nestedWorkflowId,
        ).toEqualTypeOf<WorkflowId>();
      case "event":
        return expectTypeOf(listed.eventId).toEqualTypeOf<EventId>();
      case "sleep":
        return expectTypeOf(listed.workId).toEqualTypeOf<WorkId>();
      case "patch":
        return expectTypeOf(listed).not.toHaveProperty("workId");
      default:
        return expectTypeOf(listed).toBeNever();
    }
  };
  expectTypeOf(seen).parameter(0).toEqualTypeOf<WorkflowStep>();
  expectTypeOf<Of<"event">>().not.toHaveProperty("nestedWorkflowId");
  expectTypeOf<Of<"workflow">>().not.toHaveProperty("workId");
  expectTypeOf<WorkflowStep>().toExtend<Infer<typeof vWorkflowStep>>();
  expectTypeOf<Infer<typeof vWorkflowStep>>().toExtend<WorkflowStep>();
});

test("restart takes a step's number, its name, or the function it ran", () => {
  void restart(mutationCtx, component, workflowId, { from: 2 });
  void restart(mutationCtx, component, workflowId, { from: "charge" });
  void restart(mutationCtx, component, workflowId, { from: functions.count });
  void restart(mutationCtx, component, workflowId, { from: flows.greet });
  void manager.restart(mutationCtx, workflowId, {
    from: functions.save,
    startAsync: true,
  });
  expectTypeOf(restart(mutationCtx, component, workflowId)).toEqualTypeOf<
    Promise<void>
  >();
  // @ts-expect-error -- A boolean is none of them.
  void restart(mutationCtx, component, workflowId, { from: true });
});

test("cancel returns whether it canceled the run, cleanup whether it deleted it", () => {
  expectTypeOf(cancel(mutationCtx, component, workflowId)).toEqualTypeOf<
    Promise<boolean>
  >();
  void cancel(mutationCtx, component, workflowId, { ifFinished: "ignore" });
  // @ts-expect-error -- It throws already.
  void cancel(mutationCtx, component, workflowId, { ifFinished: "throw" });
  expectTypeOf(cleanup(mutationCtx, component, workflowId)).toEqualTypeOf<
    Promise<boolean>
  >();
});

test("a run's id is a string, and every function that reads an id takes any", () => {
  expectTypeOf<WorkflowId>().toExtend<string>();
  expectTypeOf<string>().not.toExtend<WorkflowId>();
  expectTypeOf<Infer<typeof vWorkflowId>>().toEqualTypeOf<WorkflowId>();
  void getStatus(queryCtx, component, "abc");
  v.object({ workflowId: vWorkflowId });
});

test("the component is what an app's generated `components` holds", () => {
  expectTypeOf(component).toExtend<WorkflowComponent>();
  expectTypeOf<typeof generated.workflow>().toExtend<WorkflowComponent>();
  // As it is when the app gives it a name of its own.
  expectTypeOf<ComponentApi<"flows">>().toExtend<WorkflowComponent>();
});

test("errors say what they are about", () => {
  expectTypeOf<TimeoutError>().toExtend<Error>();
  expectTypeOf<TimeoutError["stepName"]>().toBeString();
  expectTypeOf<TimeoutError["ms"]>().toBeNumber();
  expectTypeOf<NonRetryableError>().toExtend<Error>();
});

test("a manager can be extended, and its methods overridden", () => {
  class Audited extends WorkflowManager {
    override async cancel(...args: Parameters<WorkflowManager["cancel"]>) {
      return await super.cancel(...args);
    }
    override status(ctx: app.QueryCtx, id: string) {
      return super.status(ctx, id);
    }
  }
  expectTypeOf<Parameters<Audited["cancel"]>>().toEqualTypeOf<
    [
      ctx: RunMutationCtx,
      workflowId: string,
      options?: { ifFinished?: "ignore" },
    ]
  >();
});
