// @vitest-environment node
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { JSONValue } from "convex/values";
import { expect, onTestFinished, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";
import { realClock } from "./clock.mjs";
import { createDeployment } from "./deployment.mjs";
import { bundle } from "../testing/backend.js";

test("globals have the platform's descriptors, and nothing is Node's", async () => {
  const { run } = await startBackend(PLATFORM_APP);
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
});

test("code can't be made from strings", async () => {
  const { failure } = await startBackend(PLATFORM_APP);
  expect(await failure("globals:codeFromStrings")).toMatch(
    /^Uncaught EvalError: Code generation from strings disallowed/,
  );
});

test("a stack has no line with the message, and says where in the sources", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("globals:stack")).toMatch(
    /^ {4}at \w+ \(\.\.\/convex\/globals\.ts:\d+:\d+\)\n {4}at /,
  );
});

test("random numbers come from the seed, and differ from call to call", async () => {
  const numbers = async (seed: number) => {
    const { run } = await startBackend(PLATFORM_APP, { seed });
    return [await run("globals:random"), await run("globals:random")];
  };
  const [first, second] = await numbers(1);
  expect(first).not.toEqual(second);
  expect(await numbers(1)).toEqual([first, second]);
  expect((await numbers(2))[0]).not.toEqual(first);
});

test("module state does not survive a call", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("globals:countCalls")).toBe(1);
  expect(await run("globals:countCalls")).toBe(1);
});

test("environment variables are the app's only", async () => {
  const { run } = await startBackend(PLATFORM_APP, { env: { GREETING: "hi" } });
  expect(await run("globals:environment")).toEqual(["hi", null]);
});

const caller = { admin: false, identity: { name: "Ada" } };

test("the caller's identity goes with a transaction into components", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("globals:identity", {}, { caller })).toEqual([
    ...["Ada", "Ada"],
    { name: "Ada" },
  ]);
});

test("a call from an action drops the caller's identity where a component begins", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("globals:identityInAction", {}, { caller })).toEqual([
    ...["Ada", "Ada"],
    null,
  ]);
});

test("a top-level function prints at most 256 lines, those of nested functions included", async () => {
  const { call } = await startBackend(PLATFORM_APP);
  const linesOf = async (name: string, args: JSONValue) =>
    (await call(`globals:${name}`, args)).logLines;
  const enough = await linesOf("prints", { lines: 127, nested: 127 });
  expect(enough).toHaveLength(256);
  expect(enough.at(-1)).toBe("[LOG] 'last'");
  const tooMany = await linesOf("prints", { lines: 200, nested: 100 });
  expect(tooMany).toHaveLength(257);
  expect(tooMany.slice(-2)).toEqual([
    "[LOG] 'line 55'",
    "[ERROR] Log overflow (maximum 256). Remaining log lines omitted.",
  ]);
});

test("an action and each transaction that it calls have 256 lines of their own", async () => {
  const { call } = await startBackend(PLATFORM_APP);
  const { logLines } = await call("globals:printsInAction", { lines: 255 });
  expect(logLines).toHaveLength(255 + 256);
});

test("a line of the log has at most 32 KiB", async () => {
  const { lines, call } = await startBackend(PLATFORM_APP);
  await call("globals:printsLong");
  const [line] = lines;
  expect(line!.message).toHaveLength(32_768);
  expect(line!.message).toMatch(/x \(truncated due to maximum length\)$/);
});

test("web APIs work", async () => {
  const { run } = await startBackend(PLATFORM_APP);
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
});

test("web streams work, also as bodies", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("streams:kinds")).toEqual({ missing: [], readOnly: [] });
  // Each chunk ends within a character.
  expect(await run("streams:splits")).toEqual(["grü", "ße ", "🙂", "!"]);
  expect(await run("streams:bodies")).toEqual([
    "one, two",
    "three",
    null,
    [116, 119, 111],
  ]);
});

test("AsyncLocalStorage follows calls of the host", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("globals:asyncContext")).toEqual(["a", "b", null]);
});

test("an action has timers, and its clock moves", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("globals:timers")).toEqual([100, ["interval", "interval"]]);
});

test("events reach their listeners, and aborting is one", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("aborting:events")).toEqual([["a"], false, true]);
  expect(await run("aborting:aborts")).toEqual(["AbortError", true, "own"]);
});

/** Calls an action with the URL of a server. */
async function callWithServer(path: string, answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const deployment = createDeployment({ clock: realClock });
  await deployment.deploy(await bundle(PLATFORM_APP));
  const response = await deployment.call({
    path,
    args: { url: `http://127.0.0.1:${port}/` },
    caller: { admin: true },
  });
  await deployment.close();
  return response;
}

test("an action has fetch", async () => {
  const response = await callWithServer("globals:post", (request, response) => {
    void request.toArray().then((chunks) => {
      response.statusCode = 201;
      response.end(JSON.stringify([request.method, String(chunks[0])]));
    });
  });
  expect(response).toMatchObject({
    status: "success",
    value: [201, true, ["POST", "ping"]],
    logLines: [],
  });
});

test("an action aborts a fetch that is not answered", async () => {
  const never = () => {};
  expect(await callWithServer("aborting:fetchAborted", never)).toMatchObject({
    status: "success",
    value: ["AbortError", "AbortError", "TimeoutError"],
  });
});

test("calls made one after the other leave sockets and timers their turn, where time is real", async () => {
  const deployment = createDeployment({ clock: realClock });
  await deployment.deploy(await bundle(PLATFORM_APP));
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  for (let calls = 0; calls < 20; calls++)
    await deployment.call({
      path: "globals:countCalls",
      args: {},
      caller: { admin: true },
    });
  over = true;
  await deployment.close();
  expect(turns).toBeGreaterThanOrEqual(20);
});

test("code that takes too long fails with all that calls it, where time is real", async () => {
  const deployment = createDeployment({ codeTimeoutMs: 5 });
  await deployment.deploy(await bundle(PLATFORM_APP));
  const response = await deployment.call({
    path: "transactions:wrapsSpin",
    args: {},
    caller: { admin: true },
  });
  await deployment.close();
  expect(response).toMatchObject({
    errorMessage: "Function execution timed out (maximum duration: 0.005s)",
  });
});
