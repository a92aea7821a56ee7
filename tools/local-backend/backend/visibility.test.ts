// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";

const client = { caller: { admin: false } };

test("clients call the app's public functions", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("transactions:keys", {}, client)).toEqual([]);
});

test.each([
  ["an internal function", { path: "jobs:mark", args: { key: "" } }],
  ["a component's function", { path: "notes:add", componentPath: "child" }],
  ["no function", { path: "jobs:nothing" }],
  ["no module", { path: "nowhere:nothing" }],
])("for a client, %s is not there", async (_what, request) => {
  const { call } = await startBackend(PLATFORM_APP);
  expect(await call("", {}, { ...client, ...request })).toEqual({
    status: "error",
    errorMessage: expect.stringContaining(
      `Could not find public function for '${request.path}'`,
    ) as unknown,
    logLines: [],
    reads: new Set(),
    notFound: true,
  });
});

test("an admin calls internal functions and those of components", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  await run("jobs.js:mark", { key: "row" });
  const componentPath = "child";
  expect(await run("notes:secret", {}, { componentPath })).toBe("secret");
});

test("an app can't call what is internal to a component", async () => {
  const { failure } = await startBackend(PLATFORM_APP);
  expect(await failure("transactions:callsSecret")).toMatch(
    `"notes:secret" of component "child" is internal to it`,
  );
});

test("a function is called as what it is", async () => {
  const { failure } = await startBackend(PLATFORM_APP);
  expect(await failure("transactions:keys", {}, { kind: "mutation" })).toMatch(
    "as a mutation, but it is defined as a query",
  );
});

test("arguments and results are validated", async () => {
  const { failure } = await startBackend(PLATFORM_APP);
  expect(await failure("transactions:add", {})).toBe(
    [
      "ArgumentValidationError: Object is missing the required field `key`. Consider wrapping the field validator in `v.optional(...)` if this is expected.",
      "",
      "Object: {}",
      "Validator: v.object({key: v.string(), value: v.optional(v.any())})",
      "",
    ].join("\n"),
  );
  expect(await failure("transactions:add", { key: 1 })).toMatch(
    "Value does not match validator.\nPath: .key\nValue: 1\nValidator: v.string()",
  );
  expect(await failure("transactions:add", { key: "", more: 1 })).toMatch(
    "Object contains extra field `more` that is not in the validator.",
  );
  expect(await failure("jobs:state", { id: "10000rows" })).toMatch(
    'from table `rows`, which does not match the table name in validator `v.id("_scheduled_functions")`',
  );
  expect(await failure("transactions:wrongResult")).toMatch(
    "ReturnsValidationError: Value does not match validator.",
  );
});

test("functions are listed for the CLI", async () => {
  const { deployment } = await startBackend(PLATFORM_APP);
  expect(deployment.functionsSpec("child")).toContainEqual({
    identifier: "notes.js:secret",
    functionType: "Mutation",
    visibility: { kind: "internal" },
    args: { type: "object", value: {} },
    returns: { type: "any" },
  });
});
