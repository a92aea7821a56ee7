import type * as client from "../../../../index.js";
import type { Modules } from "../modules.js";
import type { Schema } from "../schemas.js";

/** A release of this package, and an app's workflows that use it. */
export interface Release {
  client: typeof client;
  schema: Schema;
  modules: Modules;
  workflows: Record<string, unknown>;
}
