import * as client from "@convex-dev/workflow";
import component from "@convex-dev/workflow/test";
import type { Package } from "./package.js";

/** This repository's sources. */
export const CURRENT: Package = {
  name: "this",
  client,
  schema: component.schema,
  modules: component.modules,
};
