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

const modules = import.meta.glob("./component/**/*.ts");

/**
 * Makes the component available to an app's tests, along with the workpool
 * nested in it (as `${name}/workpool`).
 *
 * @param t - What `convexTest` returned.
 * @param name - The name under which the app's `convex.config.ts` uses the
 *   component. Default: `"workflow"`.
 * @returns The component, as an app's `components` has it. It also tells `defineTestApp` its type.
 */
export function register<
  Schema extends SchemaDefinition<GenericSchema, boolean>,
>(t: TestConvex<Schema>, name: string = "workflow"): ComponentApi {
  t.registerComponent(name, schema, modules);
  workpool.register(t, `${name}/workpool`);
  return componentsGeneric()[name] as unknown as ComponentApi;
}

export default { register, schema, modules };
