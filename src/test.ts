/// <reference types="vite/client" />
import workpool from "@convex-dev/workpool/test";
import {
  componentsGeneric,
  type GenericSchema,
  type SchemaDefinition,
} from "convex/server";
import type { TestConvex } from "convex-test";
import type { ComponentApi } from "./component/_generated/component.js";
import schema from "./component/schema.js";
import { addInstance } from "./testHelpers/backends.js";
import { watchedModules, type Modules } from "./testHelpers/mocks.js";

export {
  finishWorkflows,
  skipSleep,
  waitForRun,
  type FinalStatus,
  type FinishOptions,
  type WaitOptions,
} from "./testHelpers/drive.js";
export {
  replayHistory,
  type ReplayedHistory,
} from "./testHelpers/replayHistory.js";
export { mockStep, type MockFunction } from "./testHelpers/mocks.js";

const modules = import.meta.glob("./component/**/*.ts");

/**
 * Registers the component and its workpool (as `${name}/workpool`) in your test app.
 *
 * @param t - The result of `convexTest`.
 * @param name - The name of the component in your `convex.config.ts`. Default: `"workflow"`.
 * @returns The component, as in your app's `components`. Its type also types `defineTestApp`.
 */
export function register<
  Schema extends SchemaDefinition<GenericSchema, boolean>,
>(t: TestConvex<Schema>, name: string = "workflow"): ComponentApi {
  const backend = addInstance(t, name);
  const registerComponent = (path: string, its: never, files: Modules) =>
    t.registerComponent(path, its, watchedModules(files, backend));
  registerComponent(name, schema as never, modules);
  workpool.register({ ...t, registerComponent } as never, `${name}/workpool`);
  return componentsGeneric()[name] as unknown as ComponentApi;
}

export default { register, schema, modules };
