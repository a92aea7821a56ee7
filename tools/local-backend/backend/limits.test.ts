// @vitest-environment node
import { expect, test } from "vitest";
import { bundle, PLATFORM_APP, startBackend } from "../testing/backend.js";

test.each([
  ["an array of 8192", "an array of 8193", "Array length is too long"],
  ["1024 fields", "1025 fields", "Object has too many fields"],
  ["nested 15 deep", "nested 16 deep", "Value is too nested"],
  ["almost 1 MiB", "more than 1 MiB", "is too large"],
])("a document may hold %s, but not %s", async (most, tooMuch, message) => {
  const { run, failure, column } = await startBackend(PLATFORM_APP);
  await run("limits:store", { what: most });
  expect(await failure("limits:store", { what: tooMuch })).toMatch(message);
  expect(await column("rows", "key")).toEqual(["large"]);
});

test("a patch must not make a document too large", async () => {
  const { failure, column } = await startBackend(PLATFORM_APP);
  expect(await failure("limits:patchTooMuch")).toMatch("is too large");
  expect(await column("rows", "key")).toEqual([]);
});

test("arguments and results have at most 16 MiB and nest 64 deep", async () => {
  const { run, failure } = await startBackend(PLATFORM_APP);
  const mebibyte = "x".repeat(1 << 20);
  expect(await run("limits:returns", { mebibytes: 15 })).toHaveLength(15);
  expect(await failure("limits:returns", { mebibytes: 16 })).toMatch(
    /^Return value is too large \(16 MiB > maximum size 16 MiB\)/,
  );
  const value = Array<string>(16).fill(mebibyte);
  expect(await failure("transactions:add", { key: "", value })).toMatch(
    /^Arguments is too large/,
  );
  await run("limits:returnsNested", { depth: 64 });
  expect(await failure("limits:returnsNested", { depth: 65 })).toMatch(
    "Value is too nested",
  );
});

test("a transaction reads at most 4,096 ranges, those of its modules' files included", async () => {
  const { run, failure } = await startBackend(PLATFORM_APP);
  const files = (await run("limits:rangesOfOwnModule")) as number;
  expect(files).toBeGreaterThan(1);
  await run("limits:reads", { count: 4096 - files });
  expect(await failure("limits:reads", { count: 4097 - files })).toMatch(
    "Too many index ranges read",
  );
});

test("a transaction loads each file of a module once, and none that is imported dynamically", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  const { appDefinition } = await bundle(PLATFORM_APP);
  const shared = appDefinition.changedModules.filter(({ path }) =>
    path.startsWith("_deps/"),
  );
  // What both modules share is loaded already; the component has copies of its own.
  const [first, ...others] = (await run("limits:rangesOfModules")) as number[];
  expect(first).toBeGreaterThanOrEqual(1);
  expect(first).toBeLessThanOrEqual(shared.length);
  expect(others).toEqual([0, expect.any(Number), 0]);
  expect(others[1]).toBeGreaterThanOrEqual(1);
});

test("a function with too few ranges for its modules ends the whole transaction, uncatchably", async () => {
  const { run, failure, column, deployment } = await startBackend(PLATFORM_APP);
  const [files] = (await run("limits:rangesOfModules")) as [number];
  const call = "limits:callsWithRanges";
  expect(await run(call, { ranges: files + 1 })).toBe("read");
  expect(await run(call, { ranges: files })).toMatch(
    "Too many index ranges read",
  );
  const tooFew = { ranges: files - 1 };
  const error = "Your request couldn't be completed. Try again later.";
  expect(await failure(call, tooFew)).toBe(error);
  expect(await run("limits:triesWithRanges", tooFew)).toBe(
    `caught by the action: ${error}`,
  );
  expect(await column("rows", "key")).toEqual(["caller", "caller"]);
  expect(deployment.hazards()).toEqual({ "no ranges left for modules": 2 });
});

test("a scheduled mutation with too few ranges for its modules is tried again for ever, and stays pending", async () => {
  const { run, clock, deployment } = await startBackend(PLATFORM_APP);
  const id = await run("limits:schedulesCallWithRanges", { ranges: 0 });
  await clock.advance(24 * 60 * 60_000);
  // After 0.5 s, 1 s, 2 s … and every 2 hours in the end.
  expect(deployment.hazards()).toEqual({ "no ranges left for modules": 25 });
  expect(await run("jobs:state", { id })).toEqual({ kind: "pending" });
});

test("a transaction schedules at most 1,000 functions", async () => {
  const { run, failure, column } = await startBackend(PLATFORM_APP);
  expect(await failure("limits:schedules", { count: 1001 })).toMatch(
    "Too many functions scheduled by this mutation (limit: 1000)",
  );
  expect(await run("limits:schedules", { count: 1000 })).toBe(1000);
  expect(await column("_scheduled_functions", "_id")).toHaveLength(1000);
});
