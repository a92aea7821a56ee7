// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";

const client = { caller: { admin: false } };

test("clients can call the app's public functions and see no others", async () => {
  const { run, call } = await startBackend(PLATFORM_APP);
  expect(await run("transactions:keys", {}, client)).toEqual([]);
  for (const request of [
    { path: "jobs:mark", args: { key: "" } },
    { path: "notes:add", componentPath: "child" },
    { path: "jobs:nothing" },
    { path: "nowhere:nothing" },
  ])
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

test("an admin can call and list internal functions and those of components", async () => {
  const { run, failure, deployment } = await startBackend(PLATFORM_APP);
  await run("jobs.js:mark", { key: "row" });
  const componentPath = "child";
  expect(await run("notes:secret", {}, { componentPath })).toBe("secret");
  expect(await failure("transactions:callsSecret")).toMatch(
    `"notes:secret" of component "child" is internal to it`,
  );
  expect(deployment.functionsSpec(componentPath)).toContainEqual({
    identifier: "notes.js:secret",
    functionType: "Mutation",
    visibility: { kind: "internal" },
    args: { type: "object", value: {} },
    returns: { type: "any" },
  });
});

test("a function is called as its own kind, and its arguments and result are validated", async () => {
  const { failure } = await startBackend(PLATFORM_APP);
  expect(await failure("transactions:keys", {}, { kind: "mutation" })).toMatch(
    "as a mutation, but it is defined as a query",
  );
  expect(await failure("transactions:add", {})).toBe(
    [
      "ArgumentValidationError: Object is missing the required field `key`. Consider wrapping the field validator in `v.optional(...)` if this is expected.",
      "",
      "Object: {}",
      "Validator: v.object({key: v.string(), value: v.optional(v.any())})",
      "",
    ].join("\n"),
  );
  for (const [path, args, message] of [
    [
      ...(["transactions:add", { key: 1 }] as const),
      "Value does not match validator.\nPath: .key\nValue: 1\nValidator: v.string()",
    ],
    [
      ...(["transactions:add", { key: "", more: 1 }] as const),
      "Object contains extra field `more` that is not in the validator.",
    ],
    [
      ...(["jobs:state", { id: "10000rows" }] as const),
      'from table `rows`, which does not match the table name in validator `v.id("_scheduled_functions")`',
    ],
    [
      ...(["transactions:wrongResult", {}] as const),
      "ReturnsValidationError: Value does not match validator.",
    ],
  ] as const)
    expect(await failure(path, args)).toMatch(message);
});
