/// <reference types="vite/client" />
import { list, listSteps, type WorkflowId } from "@convex-dev/workflow";
import { register } from "@convex-dev/workflow/test";
import { convexTest } from "convex-test";
import type { FunctionReference } from "convex/server";
import { components } from "../convex/_generated/api.js";
import schema from "../convex/schema.js";
import { captureLogs } from "./logs.js";

const modules = import.meta.glob([
  "../convex/**/*.ts",
  "../convex/_generated/*.js",
]);

export type Backend = Awaited<ReturnType<typeof startBackend>>;

/** The example app with the component, in memory and in real time. */
export async function startBackend() {
  const logs = captureLogs();
  const t = convexTest(schema, await load(modules));
  const parts: Parameters<typeof t.registerComponent>[] = [];
  register({
    ...t,
    registerComponent: (...part) => parts.push(part),
  });
  for (const [name, schema, modules] of parts)
    t.registerComponent(name, schema, await load(modules));
  // As `npx convex run --component workflow utils:updateConfig '{ "logLevel": "INFO" }'`.
  await t.mutation(updateConfig, { logLevel: "INFO" });
  return {
    t,
    /** What the component has logged so far. */
    logs,
    listRuns: async () =>
      (await t.query((ctx) => list(ctx, components.workflow))).page,
    listSteps: async (workflowId: WorkflowId) =>
      (await t.query((ctx) => listSteps(ctx, components.workflow, workflowId)))
        .page,
  };
}

type Modules = Record<string, () => Promise<unknown>>;

/**
 * The same modules, loaded: what loads them can't do so in the midst of a transaction, where
 * timers are refused. Tests are left out.
 */
async function load(modules: Modules): Promise<Modules> {
  const isModule = (path: string) => !/\.\w+\.\w+$/.test(path);
  const loaded: Modules = {};
  for (const [path, importModule] of Object.entries(modules)) {
    if (!isModule(path)) continue;
    const module = await importModule();
    loaded[path] = () => Promise.resolve(module);
  }
  return loaded;
}

const { updateConfig } = (
  components.workflow as unknown as {
    utils: {
      updateConfig: FunctionReference<
        "mutation",
        "internal",
        { logLevel: string }
      >;
    };
  }
).utils;
