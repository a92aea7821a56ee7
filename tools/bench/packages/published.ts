import * as published from "@convex-dev/workflow-published";
import component from "@convex-dev/workflow-published/test";
import type { Package } from "./package.js";

/** Version 0.4.8, which `package.json` installs under another name. Its types are compatible for apps. */
export const PUBLISHED: Package = {
  name: "0.4.8",
  client: published as unknown as Package["client"],
  schema: component.schema,
  modules: component.modules,
};
