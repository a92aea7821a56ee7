import * as published from "@convex-dev/workflow-published";
import component from "@convex-dev/workflow-published/test";
import type * as current from "../../../../index.js";
import { defineWorkflows } from "../app/workflows.js";
import { preload } from "../modules.js";
import type { Release } from "./release.js";

/** How often the cases' handlers have been called. */
export const handlerCalls = { count: 0 };

/** Apps of 0.4 need not change a line for this package: to them its types are the same. */
const client = published as unknown as typeof current;

/** 0.4.8, which `package.json` has under another name. */
export const PUBLISHED: Release = {
  client,
  schema: component.schema,
  modules: await preload(component.modules),
  workflows: defineWorkflows(client, {
    onTurn: () => handlerCalls.count++,
  }),
};
