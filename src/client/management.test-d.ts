import type { ComponentApi as PublishedComponentApi } from "@convex-dev/workflow-published/_generated/component.js";
import { vResult, type WorkId } from "@convex-dev/workpool";
import type { PaginationResult } from "convex/server";
import { v, type Infer } from "convex/values";
import { describe, expectTypeOf, test } from "vitest";
import type { components as generated } from "../../example/convex/_generated/api.js";
import type * as app from "../../example/convex/_generated/server.js";
import type { ComponentApi } from "../component/_generated/component.js";
import {
  component,
  flows,
  functions,
  manager,
  mutationCtx,
  queryCtx,
  workflowId,
} from "../testing/typed/given.js";
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
  vResultValidator,
  vWorkflowId,
  vWorkflowStep,
  WorkflowManager,
  type EventId,
  type NonRetryableError,
  type PublicWorkflow,
  type RunMutationCtx,
  type RunResult,
  type TimeoutError,
  type vWorkflowStatus,
  type WorkflowComponent,
  type WorkflowId,
  type WorkflowStatus,
  type WorkflowStep,
} from "./index.js";

test("calls return their data, or whether they changed something", () => {
  const paginationOpts = { numItems: 10, cursor: null };
  const page = { order: "desc" as const, paginationOpts };
  expectTypeOf({
    status: getStatus(queryCtx, component, workflowId),
    runs: list(queryCtx, component, page),
    runsByName: listByName(queryCtx, component, "a:b", { paginationOpts }),
    steps: listSteps(queryCtx, component, workflowId, { order: "asc" }),
    cancel: cancel(mutationCtx, component, workflowId),
    cleanup: cleanup(mutationCtx, component, workflowId),
    restart: restart(mutationCtx, component, workflowId),
  }).toEqualTypeOf<{
    status: Promise<WorkflowStatus>;
    runs: Promise<PaginationResult<PublicWorkflow>>;
    runsByName: Promise<PaginationResult<PublicWorkflow>>;
    steps: Promise<PaginationResult<WorkflowStep>>;
    cancel: Promise<boolean>;
    cleanup: Promise<boolean>;
    restart: Promise<void>;
  }>();
  // @ts-expect-error -- An order is one or the other.
  void list(queryCtx, component, { order: "up" });
  // @ts-expect-error -- A status is one of four.
  void list(queryCtx, component, { status: "running" });
  void cancel(mutationCtx, component, workflowId, { ifFinished: "ignore" });
  // @ts-expect-error -- It throws already.
  void cancel(mutationCtx, component, workflowId, { ifFinished: "throw" });
});

describe("discriminated by its type or kind:", () => {
  test("a status", () => {
    const seen = (status: WorkflowStatus) => {
      switch (status.type) {
        case "inProgress":
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
    type Completed = Extract<WorkflowStatus<number>, { type: "completed" }>;
    expectTypeOf<Completed["result"]>().toBeNumber();
    type Validated = Infer<typeof vWorkflowStatus>;
    expectTypeOf<WorkflowStatus>().toExtend<Validated>();
    expectTypeOf<Validated>().toExtend<WorkflowStatus>();
  });

  test("a step in flight, which has `args`, `runResult` and `completedAt`, as in 0.4", () => {
    type InProgress = Extract<WorkflowStatus, { type: "inProgress" }>;
    type Running = InProgress["running"][number];
    const seen = (running: Running) => [
      running.kind === undefined ? running.name : "",
      running.runResult?.kind === "success" &&
        running.runResult.returnValue.anything,
      running.kind === "event" && running.eventId,
      running.kind === "workflow" && running.workflowId,
      running.kind === "function" && running.functionType,
    ];
    expectTypeOf(seen).toBeFunction();
    expectTypeOf<Running>().toExtend<{
      name: string;
      kind?: WorkflowStep["kind"];
      startedAt: number;
      completedAt?: number;
    }>();
    expectTypeOf<Running["completedAt"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<NonNullable<Running["runResult"]>>().toExtend<RunResult>();
    expectTypeOf<Running["args"]>().toBeAny();
  });

  test("a result", () => {
    expectTypeOf<RunResult>().toExtend<Infer<typeof vResultValidator>>();
    expectTypeOf<Infer<typeof vResultValidator>>().toExtend<RunResult>();
    expectTypeOf(vResultValidator).toEqualTypeOf(vResult);
    const seen = (result: RunResult<number>): unknown => {
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
    expectTypeOf(seen).toBeFunction();
  });

  test("a listed step, whose validator is an object with fields that can be spread", () => {
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
    const seen = (listed: WorkflowStep) => {
      switch (listed.kind) {
        case "function":
          expectTypeOf(listed).not.toHaveProperty("nestedWorkflowId");
          return expectTypeOf(listed.workId).toEqualTypeOf<
            WorkId | undefined
          >();
        case "workflow":
          expectTypeOf(listed).not.toHaveProperty("workId");
          return expectTypeOf(
            listed.nestedWorkflowId,
          ).toEqualTypeOf<WorkflowId>();
        case "event":
          expectTypeOf(listed).not.toHaveProperty("nestedWorkflowId");
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
    expectTypeOf<Infer<typeof vWorkflowStep>>().toEqualTypeOf<WorkflowStep>();
    const labeled = v.object({ ...vWorkflowStep.fields, label: v.string() });
    expectTypeOf(labeled.type.label).toBeString();
    expectTypeOf(labeled.type.kind).toEqualTypeOf<WorkflowStep["kind"]>();
    expectTypeOf(labeled.type.nestedWorkflowId).toEqualTypeOf<
      WorkflowId | undefined
    >();
  });
});

test("a listed run's values are any", () => {
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
});

test("restart takes a step's number, its name, or the function it ran", () => {
  void restart(mutationCtx, component, workflowId, { from: 2 });
  void restart(mutationCtx, component, workflowId, { from: "charge" });
  void restart(mutationCtx, component, workflowId, { from: functions.count });
  void restart(mutationCtx, component, workflowId, { from: flows.greet });
  const options = { from: functions.save, startAsync: true };
  void manager.restart(mutationCtx, workflowId, options);
  // @ts-expect-error -- A boolean is none of them.
  void restart(mutationCtx, component, workflowId, { from: true });
});

test("a run's id is a string, and functions that read an id accept any string", () => {
  expectTypeOf<WorkflowId>().toExtend<string>();
  expectTypeOf<string>().not.toExtend<WorkflowId>();
  expectTypeOf<Infer<typeof vWorkflowId>>().toEqualTypeOf<WorkflowId>();
  void getStatus(queryCtx, component, "abc");
  v.object({ workflowId: vWorkflowId });
});

test("the component's type accepts the one in an app's generated `components`", () => {
  expectTypeOf<WorkflowComponent>().not.toBeAny();
  expectTypeOf(component).toExtend<WorkflowComponent>();
  expectTypeOf<typeof generated.workflow>().toExtend<WorkflowComponent>();
  // As it is when the app gives it a name of its own.
  expectTypeOf<ComponentApi<"flows">>().toExtend<WorkflowComponent>();
});

test("every call accepts a component type that codegen inlined for 0.4.8", () => {
  const stale = component as unknown as PublishedComponentApi;
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
});

test("errors have typed fields", () => {
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
