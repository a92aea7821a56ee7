// @vitest-environment node
import vm from "node:vm";
import inspector from "node:inspector/promises";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { createModuleContext } from "./bundleModules.mjs";
import { ROOT } from "./paths.mjs";

// What a call costs before it does anything: each is made in a fresh context, which loads and evaluates modules.

/** A module of an app that defines a workflow, bundled as the Convex CLI does. */
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

/** How often functions are called while a module is evaluated: its work, the same on every machine. */
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

describe("a workflow's module, beside what it is with 0.4.8,", () => {
  let current: Awaited<ReturnType<typeof appModule>>;
  let published: typeof current;
  beforeAll(async () => {
    current = await appModule("@convex-dev/workflow");
    published = await appModule("@convex-dev/workflow-published");
  });

  test("does at most 30 % more work when it is evaluated", () => {
    expect(published.calls).toBeGreaterThan(1000);
    expect(current.calls).toBeLessThanOrEqual(1.3 * published.calls);
  });

  test("has at most a third more code", () => {
    expect(published.bytes).toBeGreaterThan(50_000);
    expect(current.bytes).toBeLessThanOrEqual((4 / 3) * published.bytes);
  });
});
