import type * as client from "@convex-dev/workflow";
import type { GenericSchema, SchemaDefinition } from "convex/server";
import type { Modules } from "../recording/functions.js";

/** A release of the package, as an app installs it. */
export interface Package {
  /** Its name in tables. */
  name: string;
  client: typeof client;
  schema: SchemaDefinition<GenericSchema, boolean>;
  modules: Modules;
  /** How its steps are executed, if not by default. */
  execution?: "driver" | "pool";
}
