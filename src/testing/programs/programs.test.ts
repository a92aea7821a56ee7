import batchWorker from "@convex-dev/batch-worker/test";
import workpool from "@convex-dev/workpool/test";
import * as published from "@convex-dev/workflow-published";
import publishedComponent from "@convex-dev/workflow-published/test";
import { convexTest } from "convex-test";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../component/_generated/api.js";
import * as current from "../../client/index.js";
import component from "../../test.js";
import { advance, drain, useBackend } from "../harness.js";
import { defineApp, type Client } from "./app.js";
import { expected, follow, followsAsExpected, type Backend } from "./follow.js";
import * as functions from "./functions.js";
import { PROGRAMS } from "./programs.js";

const { api, schema } = functions;

useBackend();
beforeEach(() => {
  // Silence the logs of failures on purpose.
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation(() => {});
});

type Modules = Record<string, () => Promise<unknown>>;

/** Loads modules once, because a slow import during a test would look like an idle backend. */
async function preload(modules: Modules): Promise<Modules> {
  const loaded = await Promise.all(
    Object.entries(modules)
      .filter(([path]) => !/\.test\.|convex\.config/.test(path))
      .map(async ([path, load]) => [path, await load()] as const),
  );
  return Object.fromEntries(
    loaded.map(([path, module]) => [path, async () => module]),
  );
}

const NESTED = [
  { ...workpool, path: "workflow/workpool" },
  { ...batchWorker, path: "workflow/workpool/batchWorker" },
];
const MODULES = new Map<object, Modules>();
beforeAll(async () => {
  for (const part of [component, publishedComponent, ...NESTED])
    MODULES.set(part, await preload(part.modules));
});

interface Part {
  schema: any;
  modules: Modules;
}

/** Deploys the programs' app on a release of the package. */
function deploy(client: Client, part: Part) {
  const app = defineApp(client);
  const t: any = convexTest({
    schema,
    modules: {
      "./_generated/api.ts": async () => ({}),
      "./app.ts": async () => app,
      "./functions.ts": async () => functions,
    },
  });
  for (const each of [{ ...part, path: "workflow" }, ...NESTED]) {
    const { path } = each;
    const modules = MODULES.get(path === "workflow" ? part : each);
    t.registerComponent(path, each.schema, modules);
  }
  const call: Backend["call"] = async (name, args) =>
    name === "look"
      ? await t.query(api.app.look, args)
      : await t.mutation(api.app[name], args);
  return { t, call, advance, drain };
}

describe.each(["driver", "pool"] as const)("executed by %s:", (execution) => {
  test.each(Object.keys(PROGRAMS))("%s", async (title) => {
    const { t, ...backend } = deploy(current, component);
    await t.runInComponent("workflow", (ctx: any) =>
      ctx.runMutation(internal.utils.updateConfig, { execution }),
    );
    await followsAsExpected(title, backend);
  });
});

const sameBefore = Object.keys(PROGRAMS).filter(
  (title) => !PROGRAMS[title]!.differs,
);

test.each(sameBefore)("0.4.8 has the same result: %s", async (title) => {
  const client = published as unknown as Client;
  const backend = deploy(client, publishedComponent);
  expect(await follow(title, backend)).toEqual(expected(title));
});
