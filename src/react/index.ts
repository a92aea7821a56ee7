import type {
  FilterApi,
  FunctionReference,
  ApiFromModules,
} from "convex/server";
import type { ConsoleFunctions } from "../client/console.js";

/** References to the functions of `workflow.console`: the module of your app that exports them. */
export type ConsoleApi = FilterApi<
  ApiFromModules<{ console: ConsoleFunctions }>["console"],
  FunctionReference<any, "public">
>;
