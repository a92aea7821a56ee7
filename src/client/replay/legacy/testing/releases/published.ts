import * as published from "@convex-dev/workflow-published";
import component from "@convex-dev/workflow-published/test";
import type * as current from "../../../../index.js";
import { defineWorkflows } from "../app/workflows.js";
import { preload } from "../modules.js";
import type { Release } from "./release.js";

/** How many times the cases' handlers have been called. */
export const handlerCalls = { count: 0 };

/** The cast holds because this package's types are compatible with apps written for 0.4. */
const client = published as unknown as typeof current;

/** Version 0.4.8, which `package.json` installs under another name. */
export const PUBLISHED: Release = {
  client,
  schema: component.schema,
  modules: await preload(component.modules),
  workflows: defineWorkflows(client, {
    onTurn: () => handlerCalls.count++,
  }),
};
