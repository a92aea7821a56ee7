import type * as client from "../../../../index.js";
import type { Modules } from "../modules.js";
import type { Schema } from "../schemas.js";

/** A release of this package, as an app sees it, and that app's workflows. */
export interface Release {
  client: typeof client;
  schema: Schema;
  modules: Modules;
  workflows: Record<string, unknown>;
}
