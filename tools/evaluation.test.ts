// @vitest-environment node
import vm from "node:vm";
import inspector from "node:inspector/promises";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { bundleOf, type Bundle } from "./local-backend/backend/bundle.mjs";
import { compileModules, createModuleContext } from "./bundleModules.mjs";
import { bundle } from "./local-backend/testing/backend.js";
import { ROOT } from "./paths.mjs";

// The cost of a call before its handler runs. Each call has a fresh context, which loads and evaluates modules.

interface Push {
  componentDefinitions: {
    definitionPath: string;
    functions: { path: string; source: string }[];
  }[];
}

/** Modules that the frequent calls of a run load. The platform reads each of their files. */
const HOT = [
  "journal",
  "workflow",
  "event",
  "pool",
  "execute",
  "driving",
  "turns",
];
const MOST_FILES = 12;

describe("a module of the component", () => {
  let component: Bundle;
  beforeAll(async () => {
    const push: unknown = await bundle("example");
    const { componentDefinitions } = push as Push;
    const { functions } = componentDefinitions.find(({ definitionPath }) =>
      definitionPath.endsWith("src/component"),
    )!;
    component = bundleOf(await compileModules(functions));
  });

  test("is one of at most twelve", () => {
    const modules = [...component.scripts.keys()];
    expect(
      modules.filter((path) => !path.startsWith("_deps/")).length,
    ).toBeLessThanOrEqual(MOST_FILES);
  });

  test.each(HOT)("%s loads at most twelve files", (name) => {
    const files = component.filesOf(`${name}.js`);
    expect(files).toContain(`${name}.js`);
    expect(files.length).toBeLessThanOrEqual(MOST_FILES);
  });
});

/** Bundles an app's module that defines a workflow, as the Convex CLI does. */
async function appModule(name: string) {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { WorkflowManager } from ${JSON.stringify(name)};
        export const workflow = new WorkflowManager({});
        export const run = workflow.define({ args: {} }).handler(async () => {});`,
      resolveDir: ROOT,
    },
    bundle: true,
    write: false,
    format: "cjs",
    target: "esnext",
    conditions: ["convex", "module", "@convex-dev/component-source"],
    minifySyntax: true,
    minifyIdentifiers: true,
    keepNames: true,
  });
  const source = outputFiles[0]!.text;
  return { bytes: source.length, calls: await callsToEvaluate(source) };
}

/** Counts function calls while a module is evaluated. This measure is the same on every machine. */
async function callsToEvaluate(source: string) {
  const filename = `evaluated-${source.length}.js`;
  const session = new inspector.Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true });
  const module = { exports: {} };
  const evaluate = new vm.Script(`(function (module, exports) {${source}\n})`, {
    filename,
  }).runInContext(createModuleContext()) as (
    module: object,
    exports: object,
  ) => void;
  evaluate(module, module.exports);
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  return result
    .filter(({ url }) => url === filename)
    .flatMap(({ functions }) => functions)
    .reduce((sum, { ranges }) => sum + ranges[0]!.count, 0);
}

describe("a workflow's module, compared with 0.4.8,", () => {
  let current: Awaited<ReturnType<typeof appModule>>;
  let published: typeof current;
  beforeAll(async () => {
    current = await appModule("@convex-dev/workflow");
    published = await appModule("@convex-dev/workflow-published");
  });

  test("makes at most a third as many calls when it is evaluated", () => {
    expect(published.calls).toBeGreaterThan(1000);
    expect(current.calls).toBeLessThanOrEqual(published.calls / 3);
  });

  // Compile time grows with the code. With a third of the calls, loading takes at most 1.3 times as long in total.
  test("has at most 44 % more code", () => {
    expect(published.bytes).toBeGreaterThan(50_000);
    expect(current.bytes).toBeLessThanOrEqual(1.44 * published.bytes);
  });
});
