// @vitest-environment node
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import {
  bundle,
  openBackend,
  PLATFORM_APP,
  startBackend,
  type Backend,
} from "../testing/backend.js";
import { realClock } from "./clock.mjs";
import { createDeployment } from "./deployment.mjs";
import type { DeploymentOptions } from "./types.mjs";

describe.each([false, true])("a function, in threads: %s,", (threads) => {
  let backend: Backend;
  beforeAll(async () => {
    const env = { GREETING: "hi" };
    backend = await openBackend(PLATFORM_APP, { threads, env });
  });
  afterAll(() => backend.deployment.close());

  test("sees the platform's globals, and nothing from Node or an earlier call", async () => {
    const { run, failure } = backend;
    expect(await run("globals:descriptors")).toEqual([
      "crypto getter",
      "Crypto read-only",
      "SubtleCrypto read-only",
      "Date writable",
      "process writable",
      "Buffer absent",
      "setImmediate absent",
      "queueMicrotask absent",
      "MessageChannel absent",
      "require absent",
    ]);
    expect(await failure("globals:codeFromStrings")).toMatch(
      /^Uncaught EvalError: Code generation from strings disallowed/,
    );
    // The stack has a position in the sources, but no message.
    expect(await run("globals:stack")).toMatch(
      /^ {4}at \w+ \(\.\.\/convex\/globals\.ts:\d+:\d+\)\n {4}at /,
    );
    expect(await run("globals:countCalls")).toBe(1);
    expect(await run("globals:countCalls")).toBe(1);
    // The app sees its variables, but a component doesn't.
    expect(await run("globals:environment")).toEqual(["hi", null]);
  });

  test("sees its caller's identity, even in components unless an action called them", async () => {
    const { run } = backend;
    const caller = { admin: false, identity: { name: "Ada" } };
    expect(await run("globals:identity", {}, { caller })).toEqual([
      ...["Ada", "Ada"],
      { name: "Ada" },
    ]);
    expect(await run("globals:identityInAction", {}, { caller })).toEqual([
      ...["Ada", "Ada"],
      null,
    ]);
  });

  test("prints at most 256 lines of 32 KiB, including nested functions", async () => {
    const { call, lines } = backend;
    const printed = async (name: string, args = {}) =>
      (await call(`globals:${name}`, args)).logLines;
    const linesTo = (count: number) =>
      Array.from({ length: count }, (_, i) => `[LOG] 'line ${i}'`);
    const LAST = "[LOG] 'last'";
    expect(await printed("prints", { lines: 127, nested: 127 })).toEqual([
      ...[...linesTo(127), ...linesTo(127), LAST, LAST],
    ]);
    expect(await printed("prints", { lines: 200, nested: 100 })).toEqual([
      ...[...linesTo(200), ...linesTo(56)],
      "[ERROR] Log overflow (maximum 256). Remaining log lines omitted.",
    ]);
    // An action and each transaction that it calls have separate limits.
    expect(await printed("printsInAction", { lines: 255 })).toEqual([
      ...[...linesTo(255), ...linesTo(255), LAST],
    ]);
    await printed("printsLong");
    const { message } = lines.at(-1)!;
    expect(message).toHaveLength(32_768);
    expect(message).toMatch(/x \(truncated due to maximum length\)$/);
  });

  test("has web APIs, streams, events and AsyncLocalStorage", async () => {
    const { run } = backend;
    expect(await run("globals:webApis")).toEqual([
      "https://example.com:8080/a?x=1&y=%C3%BC+%26#h",
      "example.com",
      "grüße",
      32,
      "1, 2",
      "text",
      5,
      true,
    ]);
    expect(await run("streams:kinds")).toEqual({ missing: [], readOnly: [] });
    // Each chunk ends within a character.
    expect(await run("streams:splits")).toEqual(["grü", "ße ", "🙂", "!"]);
    expect(await run("streams:bodies")).toEqual([
      "one, two",
      "three",
      null,
      [116, 119, 111],
    ]);
    expect(await run("aborting:events")).toEqual([["a"], false, true]);
    expect(await run("aborting:aborts")).toEqual(["AbortError", true, "own"]);
    expect(await run("globals:asyncContext")).toEqual(["a", "b", null]);
  });

  test("has timers, a moving clock and an abortable fetch if it is an action", async () => {
    const server = createServer((request, response) => {
      // Requests other than POST never get a response.
      if (request.method !== "POST") return;
      void request.toArray().then((chunks) => {
        response.statusCode = 201;
        response.end(JSON.stringify([request.method, String(chunks[0])]));
      });
    }).listen(0);
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const args = { url: `http://127.0.0.1:${port}/` };
    const { call } = await realDeployment({ threads });
    expect(await call("globals:post", args)).toMatchObject({
      value: [201, true, ["POST", "ping"]],
      logLines: [],
    });
    expect(await call("aborting:fetchAborted", args)).toMatchObject({
      value: ["AbortError", "AbortError", "TimeoutError"],
    });
    const { value } = (await call("globals:timers")) as { value?: number[] };
    expect(value![0]).toBeGreaterThanOrEqual(99);
  });
});

/** Starts a deployment with real time. */
async function realDeployment(options: DeploymentOptions = {}) {
  const deployment = createDeployment({ clock: realClock, ...options });
  onTestFinished(() => deployment.close());
  await deployment.deploy(await bundle(PLATFORM_APP));
  const call = (path: string, args = {}) =>
    deployment.call({ path, args, caller: { admin: true } });
  return { deployment, call };
}

test("random numbers come from the seed and differ from call to call", async () => {
  const numbers = async (seed: number) => {
    const { run } = await startBackend(PLATFORM_APP, { seed });
    return [await run("globals:random"), await run("globals:random")];
  };
  const [first, second] = await numbers(1);
  expect(first).not.toEqual(second);
  expect(await numbers(1)).toEqual([first, second]);
  expect((await numbers(2))[0]).not.toEqual(first);
});

test("if time is virtual, each transaction is charged, and timers advance an action's clock", async () => {
  const { run } = await startBackend(PLATFORM_APP, {
    faults: { userTime: { operationMs: 0.26 } },
  });
  expect(await run("globals:timers")).toEqual([100, ["interval", "interval"]]);
  // The last host call is made after the caller has its answer.
  expect(await run("globals:elapsed", { calls: 3 })).toEqual([
    ...[0, 4.5, 9, 13.6],
  ]);
  expect(await run("globals:elapsedInQuery")).toBe(0);
  expect(await run("globals:elapsedInAction")).toBe(25);
});

test("if time is real, calls let sockets and timers run, and performance.now() advances in a mutation", async () => {
  const { call } = await realDeployment();
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  for (let calls = 0; calls < 20; calls++) await call("globals:countCalls");
  over = true;
  expect(turns).toBeGreaterThanOrEqual(20);
  const elapsed = await call("globals:elapsed", { calls: 30 });
  const { value: times } = elapsed as unknown as { value: number[] };
  expect(times[0]).toBeGreaterThanOrEqual(0);
  expect(times.at(-1)).toBeGreaterThan(times[0]!);
});

test("if time is real, code that takes too long fails together with its callers", async () => {
  const { call } = await realDeployment({ codeTimeoutMs: 5 });
  expect(await call("transactions:wrapsSpin")).toMatchObject({
    errorMessage: "Function execution timed out (maximum duration: 0.005s)",
  });
});
