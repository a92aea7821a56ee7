import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import type { ConsoleFunctions, ConsoleRun } from "../client/console.js";
import type { RunSummary } from "../client/reading.js";

/** References to the module of your app that exports the functions of `workflow.console`. */
export type ConsoleApi = FilterApi<
  ApiFromModules<{ console: ConsoleFunctions }>["console"],
  FunctionReference<any, "public">
>;

/** A run in a list, and a run with all details. */
export type { RunSummary, ConsoleRun as RunDetails };
export type { ConsoleEvent, ConsoleStep } from "../client/console.js";
