// @vitest-environment node
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle, PLATFORM_APP } from "../../testing/backend.js";
import { realClock } from "../clock.mjs";
import { createDeployment } from "../deployment.mjs";

let nodeFolder: string;
/** Timers fire this many times sooner. */
let hurry = 1;
let deployment: ReturnType<typeof createDeployment>;
beforeAll(async () => {
  nodeFolder = path.join(os.tmpdir(), `node-threads-test-${process.pid}`);
  // The folder of a process that was killed. No process has this number.
  await mkdir(path.join(nodeFolder, "4194305-x"), { recursive: true });
  deployment = createDeployment({
    ...{ threads: true, nodeFolder, env: { GREETING: "hi" } },
    clock: {
      ...realClock,
      setTimer: (ms, fire) => realClock.setTimer(ms / hurry, fire),
    },
  });
  await deployment.deploy(await bundle(PLATFORM_APP));
});
afterAll(async () => {
  await deployment.close();
  await rm(nodeFolder, { recursive: true, force: true });
});

const call = (path: string, args = {}) =>
  deployment.call({ path, args, caller: { admin: true } });

test('an action with "use node" has Node, the database and the app\'s environment variables', async () => {
  expect(await call("inNode:calls", { key: "x" })).toMatchObject({
    value: { found: true, greeting: "hi" },
    logLines: ["[LOG] 'hashing' { key: 'x' }"],
  });
  expect(await call("inNode:calls", {})).toMatchObject({
    errorMessage: expect.stringContaining("ArgumentValidationError"),
  });
});

test.each([
  ["ConvexError", { errorData: { code: 7 } }],
  ["call", { errorData: { code: 7 } }],
  [
    "",
    {
      errorMessage: expect.stringMatching(
        /^Uncaught TypeError: boom\n +at .*inNode/,
      ),
    },
  ],
  [
    "later",
    {
      errorMessage: expect.stringContaining(
        "Uncaught Error: nobody catches it",
      ),
    },
  ],
])(
  "an action in Node that fails (%s) fails for its caller only",
  async (how, expected) => {
    expect(await call("inNode:fail", { how })).toMatchObject({
      status: "error",
      ...expected,
    });
    expect(await call("inNode:calls", { key: how })).toMatchObject({
      status: "success",
    });
  },
);

test("an action in Node that loops blocks nobody and ends after its 10 minutes", async () => {
  hurry = 10_000;
  const looping = call("inNode:loop");
  expect(await call("transactions:keys")).toMatchObject({ status: "success" });
  expect(await looping).toMatchObject({
    errorMessage: "Function execution timed out (maximum duration: 600s)",
  });
  hurry = 1;
});

test('a module with "use node" may define actions only', async () => {
  const push = structuredClone(await bundle(PLATFORM_APP));
  const module = push.appDefinition.changedModules.find(
    ({ path }) => path === "inNode.js",
  )!;
  module.source +=
    '\nexport const someQuery = { isQuery: true, isPublic: true, exportArgs: () => "{}", exportReturns: () => "null" };';
  await expect(deployment.analyze(push)).rejects.toThrow(
    "Failed to analyze inNode.js: `someQuery` is a query, and only actions can be defined in Node.js",
  );
});

test("its modules find packages from the folder, and are removed at the end", async () => {
  const folder = path.join(nodeFolder, "node_modules/greeter");
  await mkdir(folder, { recursive: true });
  await writeFile(
    path.join(folder, "package.json"),
    '{ "type": "module", "main": "index.js" }',
  );
  await writeFile(path.join(folder, "index.js"), 'export default "hello";');
  const push = structuredClone(await bundle(PLATFORM_APP));
  const module = push.appDefinition.changedModules.find(
    ({ path }) => path === "inNode.js",
  )!;
  module.source = module.source
    .replace('"use node";', '"use node"; import greeting from "greeter";')
    .replace("process.env.GREETING", "greeting");
  await deployment.deploy(push);
  expect(await call("inNode:calls", { key: "y" })).toMatchObject({
    value: { greeting: "hello" },
  });
  const own = expect.stringMatching(`^${process.pid}-`) as string;
  expect(await readdir(nodeFolder)).toEqual([own, "node_modules"]);
  await deployment.close();
  expect(await readdir(nodeFolder)).toEqual(["node_modules"]);
});
