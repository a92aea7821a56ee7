import {
  anyApi,
  componentsGeneric,
  type ApiFromModules,
  type FilterApi,
  type FunctionReference,
} from "convex/server";
import type { ComponentApi } from "../../../component/_generated/component.js";
import type * as console from "../console.js";
import type * as definitions from "../definitions.js";
import type * as folder_inner from "../folder/inner.js";
import type * as managed from "../managed.js";
import type * as steps from "../steps.js";
import type * as strangers from "../strangers.js";
import type * as workflows from "../workflows.js";

type Modules = ApiFromModules<{
  console: typeof console;
  definitions: typeof definitions;
  "folder/inner": typeof folder_inner;
  managed: typeof managed;
  steps: typeof steps;
  strangers: typeof strangers;
  workflows: typeof workflows;
}>;

export const internal = anyApi as unknown as Modules;
/** The app's public functions. */
export const api = anyApi as unknown as FilterApi<
  Modules,
  FunctionReference<any, "public">
>;
export const components = componentsGeneric() as unknown as {
  workflow: ComponentApi;
  /** Another instance of the component. */
  other: ComponentApi;
};
