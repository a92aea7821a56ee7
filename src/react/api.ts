import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import type { ConsoleFunctions, ConsoleRun } from "../client/console.js";
import type { RunSummary } from "../client/inspecting.js";

/** References to the functions of `workflow.console`: the module of your app that exports them. */
export type ConsoleApi = FilterApi<
  ApiFromModules<{ console: ConsoleFunctions }>["console"],
  FunctionReference<any, "public">
>;

/** A run of a list, and one with everything about it. */
export type { RunSummary, ConsoleRun as RunDetails };
export type { ConsoleEvent, ConsoleStep } from "../client/console.js";
