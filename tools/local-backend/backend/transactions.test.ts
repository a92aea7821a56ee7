// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";

test("time stands still within a transaction, nested calls included", async () => {
  const { run, clock } = await startBackend(PLATFORM_APP);
  const [before, nested, after] = (await run("transactions:times")) as number[];
  expect([before, nested, after]).toEqual(Array(3).fill(clock.now()));
});

test("calls of the host are done one at a time, in order; no code runs during one", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("transactions:inOrder")).toEqual({
    found: "2",
    // A read asks again, to learn that there is no more.
    seen: ["first", "nested", "last", "read"],
  });
});

test("a nested call that fails is undone, and its caller may go on", async () => {
  const { run, column } = await startBackend(PLATFORM_APP);
  const caught = await run("transactions:catches", { kind: "TypeError" });
  expect(caught).toEqual({
    message: expect.stringMatching(
      /^Uncaught TypeError: boom\n {4}at \w+ \(\.\.\/convex\/transactions\.ts:\d+:\d+\)\n/,
    ) as unknown,
    data: null,
  });
  expect(await column("rows", "key")).toEqual([]);
});

test("a ConvexError keeps its data, for a caller and for a client", async () => {
  const { run, call } = await startBackend(PLATFORM_APP);
  const kind = "ConvexError";
  expect(await run("transactions:catches", { kind })).toMatchObject({
    data: { code: 7 },
  });
  expect(await call("transactions:fail", { kind })).toMatchObject({
    status: "error",
    errorMessage: expect.stringMatching(
      /^Uncaught ConvexError: \{"code":7\}\n/,
    ) as unknown,
    errorData: { code: 7 },
  });
});

test("setTimeout ends a mutation, whatever that catches, and undoes it", async () => {
  const { run, failure, column } = await startBackend(PLATFORM_APP);
  expect(await failure("transactions:fail", { kind: "timer" })).toMatch(
    "Can't use setTimeout in queries and mutations",
  );
  expect(await run("transactions:catches", { kind: "timer" })).toMatchObject({
    message: expect.stringContaining("Can't use setTimeout") as unknown,
  });
  expect(await column("rows", "key")).toEqual([]);
});

test("a function that waits for nothing fails", async () => {
  const { failure } = await startBackend(PLATFORM_APP);
  expect(await failure("transactions:fail", { kind: "hang" })).toMatch(
    "awaits a promise that nothing is left to settle",
  );
});

test("fetch rejects in a query", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("transactions:fetches")).toMatch(
    "Can't use fetch() in queries and mutations",
  );
});

test("dynamic import throws in a query", async () => {
  const { failure } = await startBackend(PLATFORM_APP);
  expect(await failure("transactions:imports")).toMatch(
    "Dynamic import is not supported in queries and mutations",
  );
});

test("calls nest eight deep", async () => {
  const { run, failure } = await startBackend(PLATFORM_APP);
  expect(await run("transactions:depth", { left: 8 })).toBe(8);
  expect(await failure("transactions:depth", { left: 9 })).toMatch(
    "depth limit exceeded",
  );
});

test("a call that fails is logged, and what it caught is not", async () => {
  const { call, lines } = await startBackend(PLATFORM_APP);
  await call("transactions:catches", { kind: "" });
  expect(lines).toEqual([]);
  const failed = await call("transactions:fail", { kind: "" });
  expect(failed.logLines).toEqual([]);
  expect(lines).toMatchObject([
    {
      ...{ level: "ERROR", function: "transactions:fail" },
      message: expect.stringMatching(/^Uncaught TypeError: boom\n {4}at /),
    },
  ]);
});

test("what is not awaited is done all the same, in a nested function too", async () => {
  const { call, column, lines } = await startBackend(PLATFORM_APP);
  expect(await call("transactions:unawaited")).toMatchObject({
    value: "returned",
    logLines: ["[LOG] 'a line' { a: 1 } 2n"],
  });
  expect(lines).toMatchObject([
    { level: "LOG", function: "transactions:unawaited", componentPath: "" },
  ]);
  // What follows a call, in code that nobody awaits, is done as well.
  const written = ["unawaited", "after it"];
  expect(await column("rows", "key")).toEqual(written);
  await call("transactions:callsUnawaited");
  expect(await column("rows", "key")).toEqual([...written, ...written]);
});

test("what is not awaited ends a function that has returned, if it fails", async () => {
  const { failure, column } = await startBackend(PLATFORM_APP);
  expect(await failure("transactions:failsUnawaited")).toMatch(/boom/);
  expect(await column("rows", "key")).toEqual([]);
});

test("the log names calls that an action doesn't await", async () => {
  const { call } = await startBackend(PLATFORM_APP);
  expect(await call("jobs:actsUnawaited")).toMatchObject({
    logLines: [
      expect.stringMatching(
        /^\[WARN\] 1 unawaited operation: \[actions\/mutation\]/,
      ),
    ],
  });
});

test("up to 16 reads in a row are answered together, and a write alone", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  const steps = (await run("transactions:readsTogether")) as string[];
  expect(steps).toEqual([
    // The code of each read runs once all of its batch are done.
    ...Array.from({ length: 16 }, (_, i) => `read ${i}, seen 0`),
    ...["read 16, seen 16", "read 17, seen 16"],
    "write, seen 18",
    "read last, seen 19",
  ]);
});

test("paginate is refused in components only", async () => {
  const { run, failure } = await startBackend(PLATFORM_APP);
  const page = await run("transactions:pages", { inComponent: false });
  expect(page).toMatchObject({ page: [], isDone: true });
  expect(await failure("transactions:pages", { inComponent: true })).toMatch(
    "paginate() is only supported in the app",
  );
});

test("a transaction covers the components that it calls", async () => {
  const { run, failure, column } = await startBackend(PLATFORM_APP);
  await failure("transactions:acrossComponents", { fails: true });
  expect(await column("notes", "text", "child")).toEqual([]);
  await run("transactions:acrossComponents", { fails: false });
  expect(await column("notes", "text", "child")).toEqual(["note"]);
  expect(await column("rows", "key")).toEqual(["row"]);
});

test("writes are reported when they are committed, and only then", async () => {
  const { run, failure, deployment } = await startBackend(PLATFORM_APP);
  const commits: string[][] = [];
  const stop = deployment.onCommit((writes) => commits.push([...writes!]));
  await failure("transactions:acrossComponents", { fails: true });
  await run("transactions:keys");
  expect(commits).toEqual([]);
  await run("transactions:acrossComponents", { fails: false });
  expect(commits).toEqual([["child/notes", "/rows"]]);
  stop();
  await run("transactions:add", { key: "" });
  expect(commits).toHaveLength(1);
});

test("a query says which tables it has read, in itself and nested, though it fails", async () => {
  const { run, call } = await startBackend(PLATFORM_APP);
  const readsOf = async (path: string, args = {}) =>
    [...(await call(path, args)).reads].sort();
  expect(await readsOf("transactions:keys")).toEqual(["/rows"]);
  expect(await readsOf("globals:random")).toEqual([]);
  const id = await run("transactions:add", { key: "" });
  expect(await readsOf("transactions:readsAndFails", { id })).toEqual([
    "/_scheduled_functions",
    "/rows",
    "child/notes",
  ]);
});
