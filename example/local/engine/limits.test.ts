// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";

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

test("a transaction reads at most 4,096 ranges", async () => {
  const { run, failure } = await startBackend(PLATFORM_APP);
  await run("limits:reads", { count: 4096 });
  expect(await failure("limits:reads", { count: 4097 })).toMatch(
    "Too many index ranges read",
  );
});

test("a transaction schedules at most 1,000 functions", async () => {
  const { run, failure, column } = await startBackend(PLATFORM_APP);
  expect(await failure("limits:schedules", { count: 1001 })).toMatch(
    "Too many functions scheduled by this mutation (limit: 1000)",
  );
  expect(await run("limits:schedules", { count: 1000 })).toBe(1000);
  expect(await column("_scheduled_functions", "_id")).toHaveLength(1000);
});
