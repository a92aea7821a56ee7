// @vitest-environment node
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { startAnalysisServer } from "./analysisServer.mjs";
import { runConvexCli } from "./convexCli.mjs";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";
import { withTempDir } from "./tempDir.mjs";

// With `codegen: { staticApi: true, staticDataModel: true }`, an app's types come from a push instead of
// TypeScript's inference. They then contain only what the validators of the workflow's mutation declare.

const json = (value: unknown) => JSON.stringify(value, null, 2);

const APP = {
  "package.json": json({
    type: "module",
    dependencies: { convex: "*", "@convex-dev/workflow": "*" },
  }),
  "convex.json": json({ codegen: { staticApi: true, staticDataModel: true } }),
  "tsconfig.json": json({
    compilerOptions: {
      target: "ES2022",
      module: "ESNext",
      moduleResolution: "Bundler",
      customConditions: ["@convex-dev/component-source"],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowJs: true,
      types: [],
    },
    include: ["convex", "checks.ts"],
  }),
  "convex/convex.config.ts": `
    import workflow from "@convex-dev/workflow/convex.config.js";
    import { defineApp } from "convex/server";
    const app = defineApp();
    app.use(workflow);
    export default app;
  `,
  "convex/schema.ts": `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    import { vWorkflowId } from "@convex-dev/workflow";
    export default defineSchema({
      users: defineTable({ name: v.string(), run: v.optional(vWorkflowId) }),
    });
  `,
  "convex/flows.ts": `
    import { defineWorkflow, WorkflowManager } from "@convex-dev/workflow";
    import { v } from "convex/values";
    import { components, internal } from "./_generated/api";

    const manager = new WorkflowManager(components.workflow);

    export const child = defineWorkflow(components.workflow, {
      args: { userId: v.id("users"), note: v.optional(v.string()) },
      returns: v.object({ greeting: v.string() }),
    }).handler(async () => ({ greeting: "Hello" }));

    export const silent = manager
      .define({ args: {}, returns: v.null() })
      .handler(async () => {});

    export const vague = manager.define({
      args: { n: v.number() },
      handler: async (_step, { n }) => n,
    });

    export const parent = manager
      .define({ args: { userId: v.id("users") }, returns: v.string() })
      .handler(async (step, { userId }) => {
        const { greeting } = await step.runWorkflow(internal.flows.child, { userId });
        await step.runWorkflow(internal.flows.silent, {});
        return greeting;
      });
  `,
  "checks.ts": `
    import { start, type WorkflowCtx } from "@convex-dev/workflow";
    import type { FunctionArgs, GenericMutationCtx } from "convex/server";
    import type { GenericId } from "convex/values";
    import { expectTypeOf } from "vitest";
    import { internal } from "./convex/_generated/api";
    import type { DataModel } from "./convex/_generated/dataModel";

    declare const step: WorkflowCtx;
    declare const ctx: GenericMutationCtx<DataModel>;
    declare const userId: GenericId<"users">;
    const { child, silent, vague, parent } = internal.flows;

    // A child's return type.
    expectTypeOf(step.runWorkflow(child, { userId })).toEqualTypeOf<Promise<{ greeting: string }>>();
    expectTypeOf(step.runWorkflow(silent, {})).toEqualTypeOf<Promise<null>>();
    expectTypeOf(step.runWorkflow(vague, { n: 1 })).toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(step.runWorkflow(parent, { userId })).toEqualTypeOf<Promise<string>>();

    // A child's arguments.
    // @ts-expect-error -- A plain string isn't an id.
    void step.runWorkflow(child, { userId: 1 });
    // @ts-expect-error -- The user is missing.
    void step.runWorkflow(child, {});
    void start(ctx, child, { userId, note: "a" });
    // @ts-expect-error -- A note is a string.
    void start(ctx, child, { userId, note: 1 });

    // The arguments of a direct call.
    type Call = FunctionArgs<typeof child>;
    expectTypeOf<NonNullable<Call["args"]>>().toEqualTypeOf<{ userId: GenericId<"users">; note?: string }>();
    expectTypeOf<Call["startAsync"]>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<Call["onComplete"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Call>().toHaveProperty("context");
    void ctx.runMutation(child, { args: { userId }, startAsync: true });
    // @ts-expect-error -- The workflow's arguments must be nested in args.
    void ctx.runMutation(child, { userId });
    // @ts-expect-error -- The user is missing.
    void ctx.runMutation(child, { args: {} });
  `,
};

/** Writes an app that uses a copy of the package, because codegen also writes into the package. */
async function writeApp(dir: string, files: Record<string, string>) {
  const app = path.join(dir, "app");
  const copy = path.join(app, "node_modules/@convex-dev/workflow");
  for (const part of ["package.json", "src"])
    await cp(path.join(ROOT, part), path.join(copy, part), { recursive: true });
  // Everything else is found one folder up.
  await symlink(path.join(ROOT, "node_modules"), `${dir}/node_modules`);
  await mkdir(path.join(app, "convex"), { recursive: true });
  for (const [file, text] of Object.entries(files))
    await writeFile(path.join(app, file), text);
  return app;
}

async function generate(app: string) {
  const server = await startAnalysisServer();
  const { code, output } = await runConvexCli(
    ["codegen", "--live-component-sources", "--typecheck", "disable"],
    { cwd: app, url: server.url },
  );
  server.close();
  expect(code, output).toBe(0);
}

const typecheck = (app: string) =>
  run(
    process.execPath,
    [path.join(ROOT, "node_modules/typescript/bin/tsc"), "-p", app],
    { cwd: app },
  );

test("statically generated types contain a workflow's arguments and return value", async () => {
  await withTempDir(async (dir: string) => {
    const app = await writeApp(dir, APP);
    await generate(app);
    const api = await readFile(`${app}/convex/_generated/api.d.ts`, "utf8");
    // The types aren't inferred from the module.
    expect(api).not.toContain("typeof flows");
    expect(api).toContain("greeting: string");
    const { code, output } = await typecheck(app);
    expect(code, output).toBe(0);
  });
});
