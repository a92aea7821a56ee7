// @vitest-environment node
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle, PLATFORM_APP } from "../../testing/backend.js";
import { eventually } from "../../testing/eventually.js";
import { realClock } from "../clock.mjs";
import { createDeployment } from "../deployment.mjs";
import type { DeploymentOptions, LogLine } from "../types.mjs";

async function deployed(options: DeploymentOptions = {}) {
  const deployment = createDeployment({ threads: true, ...options });
  await deployment.deploy(await bundle(PLATFORM_APP));
  const lines: LogLine[] = [];
  deployment.onLog((line) => lines.push(line));
  const call = (path: string, args = {}, identity?: object) =>
    deployment.call({ path, args, caller: { admin: true, identity } });
  return { deployment, lines, call };
}

const timedOut = (seconds: number) =>
  `Function execution timed out (maximum duration: ${seconds}s)`;

describe("a function that never ends", () => {
  let backend: Awaited<ReturnType<typeof deployed>>;
  beforeAll(async () => {
    backend = await deployed({ codeTimeoutMs: 200 });
  });
  afterAll(() => backend.deployment.close());

  test.each([
    "afterAwait",
    "ofMicrotasks",
    "ofHostCalls",
    "inMutation",
    "catchesNested",
  ])("%s ends when its time is over, and others are answered", async (name) => {
    const { call } = backend;
    const [looped, other] = await Promise.all([
      call(`loops:${name}`),
      call("transactions:keys"),
    ]);
    expect(looped).toMatchObject({ errorMessage: timedOut(0.2) });
    expect(other).toMatchObject({ status: "success", value: [] });
  });

  test("a query's code may run for one second", async () => {
    const { call, deployment } = await deployed();
    expect(await call("loops:inQuery")).toMatchObject({
      errorMessage: timedOut(1),
    });
    await deployment.close();
  });

  test("a push is refused if evaluating a module loops", async () => {
    const push = structuredClone(await bundle(PLATFORM_APP));
    push.appDefinition.changedModules.find(
      ({ path }) => path === "loops.js",
    )!.source += "\nfor (;;);";
    await expect(backend.deployment.analyze(push)).rejects.toThrow(
      "Failed to analyze loops.js",
    );
  });

  test("an action that loops doesn't block others, shows its logs, and ends with the deployment", async () => {
    const { call, lines, deployment } = await deployed();
    const looping = call("loops:inAction");
    await eventually(() => lines.map(({ message }) => message)).toContain(
      "'looping'",
    );
    expect(await call("globals:timers")).toMatchObject({ status: "success" });
    await deployment.close();
    expect(await looping).toMatchObject({ status: "error" });
  });

  test("an action ends after its 30 minutes", async () => {
    const hurried: typeof realClock = {
      ...realClock,
      setTimer: (ms, fire) => realClock.setTimer(ms / 10_000, fire),
    };
    const { call, deployment } = await deployed({ clock: hurried });
    expect(await call("loops:inAction")).toMatchObject({
      errorMessage: timedOut(1800),
    });
    await deployment.close();
  });

  test("a function that fills the memory ends, and the process continues", async () => {
    const { call } = backend;
    // On a fast machine, it reaches its time limit first.
    expect(await call("loops:fillsMemory")).toMatchObject({
      status: "error",
      errorMessage: expect.stringMatching(/ran out of memory|timed out/),
    });
    expect(await call("transactions:keys")).toMatchObject({ value: [] });
  });
});

test("after another deploy, the new code runs", async () => {
  const { call, deployment } = await deployed({
    env: { GREETING: "hi", OTHER: "ho" },
  });
  expect(await call("globals:environment")).toMatchObject({
    value: ["hi", null],
  });
  const push = structuredClone(await bundle(PLATFORM_APP));
  for (const module of push.appDefinition.changedModules)
    module.source = module.source.replaceAll("GREETING", "OTHER");
  await deployment.deploy(push);
  expect(await call("globals:environment")).toMatchObject({
    value: ["ho", null],
  });
  await deployment.close();
});
