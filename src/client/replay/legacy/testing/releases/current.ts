import * as client from "../../../../index.js";
import component from "../../../../../test.js";
import { defineWorkflows } from "../app/workflows.js";
import { preload } from "../modules.js";
import type { Release } from "./release.js";

export const CURRENT: Release = {
  client,
  schema: component.schema,
  modules: await preload(component.modules),
  workflows: defineWorkflows(client),
};
