// @vitest-environment node
import { expect, test } from "vitest";
import { bundle, PLATFORM_APP, startBackend } from "../testing/backend.js";

test("documents, arguments and results may be as large as on the platform, but no larger", async () => {
  const { run, failure, column } = await startBackend(PLATFORM_APP);
  const documents = [
    ["an array of 8192", "an array of 8193", "Array length is too long"],
    ["1024 fields", "1025 fields", "Object has too many fields"],
    ["nested 15 deep", "nested 16 deep", "Value is too nested"],
    ["almost 1 MiB", "more than 1 MiB", "is too large"],
  ] as const;
  for (const [most, tooMuch, message] of documents) {
    await run("limits:store", { what: most });
    expect(await failure("limits:store", { what: tooMuch })).toMatch(message);
  }
  expect(await failure("limits:patchTooMuch")).toMatch("is too large");
  expect(await column("rows", "key")).toEqual(Array(4).fill("large"));

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

test("a transaction reads at most 4,096 ranges, one for each file of a module that it loads, and schedules at most 1,000 functions", async () => {
  const { run, failure, column } = await startBackend(PLATFORM_APP);
  const files = (await run("limits:rangesOfOwnModule")) as number;
  expect(files).toBeGreaterThan(1);
  await run("limits:reads", { count: 4096 - files });
  expect(await failure("limits:reads", { count: 4097 - files })).toMatch(
    "Too many index ranges read",
  );
  const { appDefinition } = await bundle(PLATFORM_APP);
  const shared = appDefinition.changedModules.filter(({ path }) =>
    path.startsWith("_deps/"),
  );
  // Files that both modules share are already loaded, and dynamic imports aren't. The component has its own copies.
  const [first, ...others] = (await run("limits:rangesOfModules")) as number[];
  expect(first).toBeGreaterThanOrEqual(1);
  expect(first).toBeLessThanOrEqual(shared.length);
  expect(others).toEqual([0, expect.any(Number), 0]);
  expect(others[1]).toBeGreaterThanOrEqual(1);

  expect(await failure("limits:schedules", { count: 1001 })).toMatch(
    "Too many functions scheduled by this mutation (limit: 1000)",
  );
  expect(await run("limits:schedules", { count: 1000 })).toBe(1000);
  expect(await column("_scheduled_functions", "_id")).toHaveLength(1000);
});

test("a function with too few ranges for its modules ends the whole transaction uncatchably, and a scheduled one is retried forever", async () => {
  const { run, failure, column, clock, deployment } =
    await startBackend(PLATFORM_APP);
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

  const id = await run("limits:schedulesCallWithRanges", { ranges: 0 });
  await clock.advance(24 * 60 * 60_000);
  // The retries come after 0.5 s, 1 s, 2 s …, and finally every 2 hours.
  expect(deployment.hazards()).toEqual({ "no ranges left for modules": 27 });
  expect(await run("jobs:state", { id })).toEqual({ kind: "pending" });
});

test("each call is charged 4 ms, and a transaction over a second ends uncatchably, even a scheduled one", async () => {
  const { run, failure, clock, column, deployment } = await startBackend(
    PLATFORM_APP,
    {
      faults: {
        userTime: { costOf: ({ path }) => (path === "jobs:mark" ? 1000 : 0) },
      },
    },
  );
  expect(await run("jobs:wraps", { calls: 249 })).toBe("done");
  expect(await failure("jobs:wraps", { calls: 250 })).toBe(
    "Function execution timed out (maximum duration: 1s)",
  );
  expect(await column("rows", "key")).toEqual(["wrapper"]);
  const job = { kind: "mark", delayMs: 0, fails: false };
  const id = await run("jobs:schedule", job);
  await clock.advance();
  expect(await run("jobs:state", { id })).toMatchObject({ kind: "failed" });
  expect(deployment.hazards()).toEqual({ "transaction timeout": 2 });
});
