// @vitest-environment node
import { expect, test } from "vitest";
import {
  bundle,
  PLATFORM_APP,
  startBackend,
  type Push,
} from "../testing/backend.js";

/** Returns the push with a change in one of its sources. */
async function changed(
  change: (push: Push) => { source: string } | null | undefined,
  from: string | RegExp,
  to: string,
) {
  const push = structuredClone(await bundle(PLATFORM_APP));
  const module = change(push)!;
  const source = module.source.replace(from, to);
  expect(source).not.toBe(module.source);
  module.source = source;
  return push;
}

const moduleAt = (path: string) => (push: Push) =>
  push.appDefinition.changedModules.find((module) => module.path === path);
const schemaOf = (push: Push) => push.appDefinition.schema;

test("a deploy keeps data, and scheduled functions run the new code", async () => {
  const { run, clock, deployment } = await startBackend(PLATFORM_APP);
  await run("jobs:mark", { key: "before" });
  const id = await run("jobs:schedule", {
    kind: "mark",
    delayMs: 1000,
    fails: false,
  });
  const push = await changed(moduleAt("jobs.js"), "version 1", "version 2");
  expect(await deployment.deploy(push)).toEqual({
    componentPaths: ["child"],
    addedComponents: [],
    removedComponents: [],
    notServed: [],
  });
  await clock.advance();
  expect(await deployment.rows("rows")).toMatchObject([
    { key: "before", value: "version 1" },
    { key: "mark", value: "version 2" },
  ]);
  expect(await run("jobs:state", { id })).toEqual({ kind: "success" });
});

test("documents keep their ids and creation times under a new schema", async () => {
  const { run, clock, deployment } = await startBackend(PLATFORM_APP);
  for (const key of ["a", "b", "c"]) {
    await clock.advance(10);
    await run("transactions:add", { key });
    // Uses up ids.
    await run("jobs:schedule", { kind: "mark", delayMs: 0, fails: false });
  }
  await run("notes:add", { text: "note" }, { componentPath: "child" });
  const tables = async () => [
    await deployment.rows("rows"),
    await deployment.rows("_scheduled_functions"),
    await deployment.rows("notes", "child"),
  ];
  const before = await tables();
  await deployment.deploy(
    await changed(schemaOf, 'index("key"', 'index("byKey"'),
  );
  expect(await tables()).toEqual(before);
  const [{ _id: id }] = before[0] as [{ _id: string }];
  const added = await run("transactions:add", { key: "d" });
  expect(Number.parseInt(added as string)).toBeGreaterThan(Number.parseInt(id));
  await clock.advance();
  expect(await deployment.rows("rows")).toHaveLength(7);
});

test("a schema that documents don't match is refused and changes nothing", async () => {
  const { run, deployment, column } = await startBackend(PLATFORM_APP);
  await run("jobs:mark", { key: "row" });
  const push = await changed(
    schemaOf,
    /key: (\w+)\.string\(\)/,
    "key: $1.number()",
  );
  await expect(deployment.deploy(push)).rejects.toThrow(
    /Schema validation failed.*"rows".*Expected `number`, got `row`/s,
  );
  await run("jobs:mark", { key: "another" });
  expect(await column("rows", "key")).toEqual(["row", "another"]);
});

test("code that can't be evaluated is refused, and the old code stays", async () => {
  const { run, deployment } = await startBackend(PLATFORM_APP);
  const push = await changed(moduleAt("jobs.js"), /^/, "Buffer.from('');\n");
  await expect(deployment.analyze(push)).rejects.toThrow(
    /jobs\.js.*Buffer is not defined/s,
  );
  await expect(deployment.deploy(push)).rejects.toThrow(/Buffer/);
  await run("jobs:mark", { key: "row" });
});

test("a removed function can't be called, not even by a handle or the scheduler", async () => {
  const { run, failure, clock, deployment } = await startBackend(PLATFORM_APP);
  const handle = await run("jobs:handle");
  const id = await run("jobs:schedule", {
    kind: "mark",
    delayMs: 1000,
    fails: false,
  });
  await deployment.deploy(
    await changed(moduleAt("jobs.js"), /(\w+) as mark/, "$1 as marked"),
  );
  expect(await failure("jobs:callHandle", { handle, key: "" })).toMatch(
    "Could not find function for 'jobs:mark'",
  );
  await clock.advance();
  expect(await run("jobs:state", { id })).toMatchObject({ kind: "failed" });
});

test("the reply to a push lists functions and components", async () => {
  const { deployment } = await startBackend(PLATFORM_APP);
  expect(await deployment.analyze(await bundle(PLATFORM_APP))).toMatchObject({
    analysis: { "": { functions: { "jobs.js": {} } } },
    app: { childComponents: { child: { componentPath: "child" } } },
  });
});

test("rows inserted without a function keep their creation times and notify listeners", async () => {
  const { deployment } = await startBackend(PLATFORM_APP);
  const writes: (ReadonlySet<string> | undefined)[] = [];
  deployment.onCommit((tables) => writes.push(tables));
  const ids = await deployment.insert("rows", [
    { key: "a", value: "1", _creationTime: 5000 },
    { key: "b", value: "2", _creationTime: 6000 },
  ]);
  expect(await deployment.rows("rows")).toEqual([
    { _id: ids[0], _creationTime: 5000, key: "a", value: "1" },
    { _id: ids[1], _creationTime: 6000, key: "b", value: "2" },
  ]);
  expect(writes).toEqual([new Set(["/rows"])]);
  const before = Date.now();
  await deployment.insert("rows", [{ key: "c", value: "3" }]);
  const { _creationTime } = (await deployment.rows("rows"))[2];
  expect(_creationTime).toBeGreaterThanOrEqual(before);
  await expect(deployment.insert("rows", [{ key: 1 }])).rejects.toThrow(
    "Expected `string`, got `1`",
  );
  expect(await deployment.rows("rows")).toHaveLength(3);
});
