// @vitest-environment node
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "vitest";
import {
  openBackend,
  PLATFORM_APP,
  startBackend,
  type Backend,
} from "../testing/backend.js";

const REJECTED = "Uncaught Error: rejected\n";
const BOOM =
  /^Uncaught TypeError: boom\n {4}at \w+ \(\.\.\/convex\/transactions\.ts:\d+:\d+\)\n/;

describe.each([false, true])("a function, in threads: %s,", (threads) => {
  let backend: Backend;
  let rowsBefore: number;
  beforeAll(async () => {
    backend = await openBackend(PLATFORM_APP, { threads });
  });
  afterAll(() => backend.deployment.close());
  beforeEach(async () => {
    rowsBefore = (await backend.column("rows", "key")).length;
    backend.lines.length = 0;
  });

  /** Returns the keys of the rows that the test has written. */
  const written = async () =>
    (await backend.column("rows", "key")).slice(rowsBefore);

  test("makes its host calls one at a time and in order, nested at most eight deep", async () => {
    const { run, failure } = backend;
    expect(await run("transactions:inOrder")).toEqual({
      found: "2",
      // A read makes a second call to learn that there are no more documents.
      seen: ["first", "nested", "last", "read"],
    });
    expect(await run("transactions:readsTogether")).toEqual([
      // Up to 16 reads in a row are answered together. The code of each runs once all of them are done.
      ...Array.from({ length: 16 }, (_, i) => `read ${i}, seen 0`),
      ...["read 16, seen 16", "read 17, seen 16"],
      "write, seen 18",
      "read last, seen 19",
    ]);
    expect(await run("transactions:depth", { left: 8 })).toBe(8);
    expect(await failure("transactions:depth", { left: 9 })).toMatch(
      "depth limit exceeded",
    );
  });

  test("is undone if it fails, and its caller may catch the error with its data", async () => {
    const { run, call, failure } = backend;
    const caught = (kind: string) => run("transactions:catches", { kind });
    const failed = (kind: string) => failure("transactions:fail", { kind });
    expect(await caught("TypeError")).toEqual({
      message: expect.stringMatching(BOOM) as unknown,
      data: null,
    });
    const kind = "ConvexError";
    expect(await caught(kind)).toMatchObject({ data: { code: 7 } });
    expect(await call("transactions:fail", { kind })).toMatchObject({
      status: "error",
      errorMessage: expect.stringMatching(
        /^Uncaught ConvexError: \{"code":7\}\n/,
      ) as unknown,
      errorData: { code: 7 },
    });
    // The function can't catch this.
    expect(await failed("timer")).toMatch(
      "Can't use setTimeout in queries and mutations",
    );
    expect(await caught("timer")).toMatchObject({
      message: expect.stringContaining("Can't use setTimeout") as unknown,
    });
    expect(await failed("hang")).toMatch(
      "awaits a promise that nothing is left to settle",
    );
    expect(await failure("transactions:failsUnawaited")).toMatch(/boom/);
    expect(await written()).toEqual([]);
  });

  test("can't use fetch or dynamic import, or paginate in components, if it is a query", async () => {
    const { run, failure } = backend;
    expect(await run("transactions:fetches")).toMatch(
      "Can't use fetch() in queries and mutations",
    );
    expect(await failure("transactions:imports")).toMatch(
      "Dynamic import is not supported in queries and mutations",
    );
    const page = await run("transactions:pages", { inComponent: false });
    expect(page).toHaveProperty("page");
    expect(await failure("transactions:pages", { inComponent: true })).toMatch(
      "paginate() is only supported in the app",
    );
  });

  test("finishes calls that it doesn't await, even if it is nested", async () => {
    const { call, lines } = backend;
    expect(await call("transactions:unawaited")).toMatchObject({
      value: "returned",
      logLines: ["[LOG] 'a line' { a: 1 } 2n"],
    });
    expect(lines).toMatchObject([
      { level: "LOG", function: "transactions:unawaited", componentPath: "" },
    ]);
    // Code that follows an unawaited call also runs.
    const both = ["unawaited", "after it"];
    expect(await written()).toEqual(both);
    await call("transactions:callsUnawaited");
    expect(await written()).toEqual([...both, ...both]);
    expect(await call("jobs:actsUnawaited")).toMatchObject({
      logLines: [
        expect.stringMatching(
          /^\[WARN\] 1 unawaited operation: \[actions\/mutation\]/,
        ),
      ],
    });
  });

  test("logs its failure, but not errors that it caught", async () => {
    const { call, lines } = backend;
    await call("transactions:catches", { kind: "" });
    expect(lines).toEqual([]);
    const failed = await call("transactions:fail", { kind: "" });
    expect(failed.logLines).toEqual([]);
    expect(lines).toMatchObject([
      {
        ...{ level: "ERROR", function: "transactions:fail" },
        message: expect.stringMatching(BOOM),
      },
    ]);
  });

  test("ends without effects if a rejected promise has no handler when its code pauses", async () => {
    const { run, failure } = backend;
    for (const hops of [0, 1, 50]) {
      const args = { calls: 0, hops };
      expect(await run("rejections:handledLater", args)).toBe("handled");
    }
    for (const [calls, hops] of [
      ...[[1, 0] as const, [1, 50] as const],
      [3, 1],
    ])
      expect(await failure("rejections:handledLater", { calls, hops })).toBe(
        REJECTED,
      );
    expect(await failure("rejections:forgotten")).toBe(REJECTED);
    expect(await written()).toEqual([]);
    // A caller can catch that. An action ends the same way.
    expect(await run("rejections:catchesNested")).toBe(REJECTED);
    expect(await written()).toEqual(["kept"]);
    expect(await failure("rejections:actionHandlesLater")).toMatch(
      REJECTED.trim(),
    );
  });
});

test("time stands still within a transaction, including nested calls", async () => {
  const { run, clock } = await startBackend(PLATFORM_APP);
  const [before, nested, after] = (await run("transactions:times")) as number[];
  expect([before, nested, after]).toEqual(Array(3).fill(clock.now()));
});

test("a transaction includes the components that it calls, and its writes are reported when they commit", async () => {
  const { run, failure, column, deployment } = await startBackend(PLATFORM_APP);
  const commits: string[][] = [];
  const stop = deployment.onCommit((writes) => commits.push([...writes!]));
  await failure("transactions:acrossComponents", { fails: true });
  await run("transactions:keys");
  expect(commits).toEqual([]);
  expect(await column("notes", "text", "child")).toEqual([]);
  await run("transactions:acrossComponents", { fails: false });
  expect(commits).toEqual([["child/notes", "/rows"]]);
  expect(await column("notes", "text", "child")).toEqual(["note"]);
  expect(await column("rows", "key")).toEqual(["row"]);
  stop();
  await run("transactions:add", { key: "" });
  expect(commits).toHaveLength(1);
});

test("a query reports the tables that it and its nested calls have read, even if it fails", async () => {
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
