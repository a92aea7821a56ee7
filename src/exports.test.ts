// @vitest-environment node
import { getFunctionAddress } from "convex/server";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import packageJson from "../package.json" with { type: "json" };

const SOURCES = fileURLToPath(new URL(".", import.meta.url));

// What an app can import. The types are in exports.test-d.ts.

// As a deployment gives it to whoever uses the component: only bundling makes it so.
vi.mock("@convex-dev/workpool/convex.config.js", () => ({
  default: { componentDefinitionPath: "workpool", defaultName: "workpool" },
}));

const VALUES = [
  "NonRetryableError",
  "RetryAfterError",
  "TimeoutError",
  "WorkflowManager",
  "cancel",
  "cancelMany",
  "cleanup",
  "cleanupMany",
  "counts",
  "createEvent",
  "defineEvent",
  "defineWorkflow",
  "exportHistory",
  "findByKey",
  "getRun",
  "getStatus",
  "getStep",
  "list",
  "listByName",
  "listEvents",
  "listNames",
  "listOnCompleteFailures",
  "listStepSummaries",
  "listSteps",
  "listSummaries",
  "recover",
  "restart",
  "restartMany",
  "retryOnComplete",
  "sendEvent",
  "start",
  "vEventId",
  "vOnCompleteArgs",
  "vResultValidator",
  "vWorkflowId",
  "vWorkflowStatus",
  "vWorkflowStep",
];

test("the client exports these values and no others", async () => {
  const client: Record<string, unknown> = await import("@convex-dev/workflow");
  expect(Object.keys(client).sort()).toEqual(VALUES);
  for (const name of VALUES) expect(client[name], name).toBeDefined();
});

test("re-exports from the workpool are its own objects", async () => {
  const client = await import("@convex-dev/workflow");
  const pool = await import("@convex-dev/workpool");
  expect(client.NonRetryableError).toBe(pool.NonRetryableError);
  expect(client.vResultValidator).toBe(pool.vResultValidator);
});

/** The functions that take no component, or that the manager names otherwise. */
const NOT_OF_THE_MANAGER = ["defineEvent", "defineWorkflow", "getStatus"];

test("the manager has a method for every function that takes a component", async () => {
  const { WorkflowManager } = await import("@convex-dev/workflow");
  const methods = Object.getOwnPropertyNames(WorkflowManager.prototype);
  const functions = VALUES.filter((name) => /^(?!v[A-Z])[a-z]/.test(name));
  expect(methods.sort()).toEqual(
    [
      ...functions.filter((name) => !NOT_OF_THE_MANAGER.includes(name)),
      ...["console", "constructor", "define", "defineOnComplete", "status"],
    ].sort(),
  );
});

describe("entry points", () => {
  const { exports } = packageJson;
  const path = (relative: string) =>
    fileURLToPath(new URL(`../${relative}`, import.meta.url));

  test("are these", () => {
    expect(Object.keys(exports).sort()).toEqual([
      ".",
      "./_generated/component.js",
      "./convex.config",
      "./convex.config.js",
      "./package.json",
      "./react",
      "./test",
    ]);
  });

  test.each(Object.entries(exports))(
    "%s names files that are there, or are built from some that are",
    (_entry, target) => {
      const files =
        typeof target === "string" ? [target] : Object.values(target);
      for (const file of files) {
        const source = file
          .replace(/^\.\/dist\//, "./src/")
          .replace(/(\.d\.ts|\.js)$/, ".ts");
        expect(existsSync(path(source)), source).toBe(true);
      }
    },
  );

  test("./convex.config is the component, with the pool as its child", async () => {
    type Definition = {
      export(): {
        definitionType: { name: string };
        childComponents: { name: string }[];
      };
    };
    for (const module of [
      await import("@convex-dev/workflow/convex.config"),
      await import("@convex-dev/workflow/convex.config.js"),
    ]) {
      const definition = module.default as unknown as Definition;
      const { definitionType, childComponents } = definition.export();
      expect(definitionType.name).toBe("workflow");
      expect(childComponents.map(({ name }) => name)).toEqual(["workpool"]);
    }
  });

  test("./test registers the component and the pool nested in it", async () => {
    const { default: helper, register } =
      await import("@convex-dev/workflow/test");
    expect(Object.keys(helper).sort()).toEqual([
      "modules",
      "register",
      "schema",
    ]);
    expect(helper.register).toBe(register);
    const registered: string[] = [];
    const t = {
      registerComponent: (name: string) => registered.push(name),
    } as never;
    const component = register(t);
    expect(getFunctionAddress(component.workflow.create)).toEqual({
      reference: "_reference/childComponent/workflow/workflow/create",
    });
    register(t, "flows");
    expect(registered).toEqual(
      expect.arrayContaining([
        "workflow",
        "workflow/workpool",
        "flows",
        "flows/workpool",
      ]),
    );
    const modules = Object.keys(helper.modules).map((file) =>
      file.replace(/^.*component\//, ""),
    );
    expect(modules).toEqual(
      expect.arrayContaining(["workflow.ts", "journal.ts", "event.ts"]),
    );
  });

  test("./package.json is the package's own", async () => {
    const { default: found } = await import(
      "@convex-dev/workflow/package.json",
      { with: { type: "json" } }
    );
    expect(found).toMatchObject({
      name: "@convex-dev/workflow",
      type: "module",
      license: "Apache-2.0",
      files: expect.arrayContaining(["dist", "src", "!src/**/*.test.ts"]),
    });
    expect(Object.keys(found.peerDependencies).sort()).toEqual([
      "@convex-dev/workpool",
      "convex",
      "convex-helpers",
      "react",
      "react-dom",
    ]);
    // Only apps that show the console need them.
    expect(found.peerDependenciesMeta).toEqual({
      react: { optional: true },
      "react-dom": { optional: true },
    });
    // Nothing that an app has a copy of its own of, and nothing that runs on a server.
    expect(Object.keys(found.dependencies)).toEqual(["@tanstack/virtual-core"]);
  });

  test("only ./react imports the console's dependencies", () => {
    const importers = readdirSync(SOURCES, {
      recursive: true,
      encoding: "utf8",
    }).filter(
      (file) =>
        /\.tsx?$/.test(file) &&
        /from "(react|react-dom|convex\/react|@tanstack)[/"]/.test(
          readFileSync(`${SOURCES}/${file}`, "utf8"),
        ),
    );
    expect(importers).toContain("react/ui/virtual.ts");
    expect(importers.filter((file) => !file.startsWith("react/"))).toEqual([]);
  });
});
