import {
  anyApi,
  componentsGeneric,
  type ApiFromModules,
  type FilterApi,
  type FunctionReference,
} from "convex/server";
import type { ComponentApi } from "../../component/_generated/component.js";
import type * as flows from "./flows.js";
import type * as functions from "./functions.js";

type Modules = ApiFromModules<{
  flows: typeof flows;
  functions: typeof functions;
}>;

// References in the form of an app's generated files.
export const internal: FilterApi<
  Modules,
  FunctionReference<any, "internal">
> = anyApi as never;
export const components = componentsGeneric() as unknown as {
  workflow: ComponentApi;
};
