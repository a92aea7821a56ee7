import type {
  FunctionArgs,
  FunctionReference,
  FunctionReturnType,
  PaginationResult,
} from "convex/server";
import { expectTypeOf, test } from "vitest";
import type { ConsoleApi } from "../react/index.js";
import type { DataModel } from "../component/_generated/dataModel.js";
import { api } from "../testing/app/_generated/api.js";
import { manager } from "../testing/app/workflows.js";
import type {
  ConsoleBulkResult,
  ConsoleRun,
  ConsoleStats,
  ConsoleStep,
  RunStatus,
  RunSummary,
} from "./index.js";

test("an app's api.console has the types of its functions, and fits WorkflowConsole", () => {
  const { console } = api;
  expectTypeOf(console).toExtend<ConsoleApi>();
  expectTypeOf<FunctionReturnType<typeof console.listRuns>>().toEqualTypeOf<
    PaginationResult<RunSummary>
  >();
  expectTypeOf<
    FunctionReturnType<typeof console.getRun>
  >().toEqualTypeOf<ConsoleRun | null>();
  expectTypeOf<FunctionReturnType<typeof console.listSteps>>().toEqualTypeOf<
    PaginationResult<ConsoleStep>
  >();
  expectTypeOf<
    FunctionReturnType<typeof console.stats>
  >().toEqualTypeOf<ConsoleStats>();
  expectTypeOf<
    FunctionReturnType<typeof console.restart>
  >().toEqualTypeOf<ConsoleBulkResult>();
  expectTypeOf<FunctionArgs<typeof console.cancel>>().toEqualTypeOf<{
    workflowIds: string[];
  }>();
  expectTypeOf<FunctionArgs<typeof console.listRuns>["status"]>().toEqualTypeOf<
    RunStatus | undefined
  >();
  expectTypeOf(console.sendEvent).toExtend<
    FunctionReference<"mutation", "public">
  >();
});

test("authorize is required, and a type argument sets the types of its tables", () => {
  // @ts-expect-error Without authorize.
  void (() => manager.console({}));
  // @ts-expect-error It has to return a boolean.
  void (() => manager.console({ authorize: () => "yes" }));
  void (() =>
    manager.console<DataModel>({
      authorize: async (ctx, { operation, workflowId }) => {
        expectTypeOf(workflowId).toEqualTypeOf<string | undefined>();
        // @ts-expect-error There is no such operation.
        if (operation === "delete") return false;
        // @ts-expect-error There is no such table.
        await ctx.db.query("users").first();
        return (await ctx.db.query("config").first()) !== null;
      },
    }));
  void (() =>
    manager.console({
      authorize: async (ctx) =>
        (await ctx.auth.getUserIdentity())?.["role"] === "admin",
    }));
});
