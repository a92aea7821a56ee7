import { v, type Infer } from "convex/values";
import { internalMutationGeneric } from "convex/server";
import { expectTypeOf, test } from "vitest";
import type * as app from "../../example/convex/_generated/server.js";
import { internal } from "../testing/app/_generated/api.js";
import type { vWorkflowStatus } from "./index.js";
import {
  start,
  vOnCompleteArgs,
  type RunResult,
  type WorkflowId,
  type WorkflowManager,
  type WorkflowStatus,
} from "./index.js";

declare const ctx: app.MutationCtx;
declare const manager: WorkflowManager;
const { definitions, managed } = internal;
const main = { handler: "main" };

test("vOnCompleteArgs gives the id, the result and the validated context", () => {
  const args = vOnCompleteArgs(v.object({ order: v.string() }), v.number());
  expectTypeOf<Infer<typeof args>["workflowId"]>().toEqualTypeOf<WorkflowId>();
  expectTypeOf<Infer<typeof args>["context"]>().toEqualTypeOf<{
    order: string;
  }>();
  expectTypeOf<Infer<typeof args>["result"]>().toExtend<RunResult<number>>();
  expectTypeOf<RunResult<number>>().toExtend<Infer<typeof args>["result"]>();
  internalMutationGeneric({
    args,
    handler: async (_ctx, { context }) => {
      expectTypeOf(context.order).toBeString();
    },
  });
});

test("defineOnComplete infers its handler's arguments", () => {
  manager.defineOnComplete({
    context: v.number(),
    returnValue: v.string(),
    handler: async (_ctx, { workflowId, result, context }) => {
      expectTypeOf(workflowId).toEqualTypeOf<WorkflowId>();
      expectTypeOf(context).toBeNumber();
      expectTypeOf(result).toEqualTypeOf<RunResult<string>>();
    },
  });
  // @ts-expect-error -- It needs a handler.
  manager.defineOnComplete({ context: v.number() });
});

test("start takes it as onComplete, with the context that it validates", () => {
  void start(ctx, definitions.byFunction, main, {
    onComplete: managed.endedAs,
    context: { key: "k" },
  });
  void start(ctx, definitions.byFunction, main, {
    onComplete: managed.endedAs,
    // @ts-expect-error -- Another context.
    context: { key: 5 },
  });
});

test("vWorkflowStatus has the type of a status", () => {
  type Validated = Infer<typeof vWorkflowStatus>;
  expectTypeOf<WorkflowStatus>().toExtend<Validated>();
  expectTypeOf<Validated>().toExtend<WorkflowStatus>();
});
