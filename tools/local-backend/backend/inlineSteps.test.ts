// @vitest-environment node
import { expect, test } from "vitest";
import { startBackend, WORKFLOW_APP } from "../testing/backend.js";

// A function is charged 4 ms for its context and modules, and a range for each module file that its transaction
// hasn't loaded yet. A transaction with too little left for either ends uncatchably.

async function runInline(args: { n: number; limits?: object }) {
  const { run, clock, deployment } = await startBackend(WORKFLOW_APP, {
    sharesContexts: () => true,
  });
  await run("runs:startWith", {
    program: "inlineChain",
    args: { run: "one", ...args } as never,
  });
  await clock.advance();
  const [row] = await deployment.rows("workflows", "workflow");
  const { runResult } = row as { runResult?: unknown };
  const effects = await deployment.rows("effects");
  return { runResult, effects: effects.length, deployment };
}

test(
  "C7: 4,000 inline steps complete even if each call is charged 4 ms",
  { timeout: 5 * 60_000 },
  async () => {
    const { runResult, effects, deployment } = await runInline({ n: 4000 });
    expect(runResult).toEqual({ kind: "success", returnValue: 4000 });
    expect(effects).toBe(4000);
    expect(deployment.hazards()["transaction timeout"]).toBeUndefined();
  },
);

test("an inline step runs even if its limit is too low to load its modules", async () => {
  const limits = { databaseQueries: 0 };
  const { runResult, effects, deployment } = await runInline({ n: 3, limits });
  expect(runResult).toEqual({ kind: "success", returnValue: 3 });
  expect(effects).toBe(3);
  expect(deployment.hazards()["no ranges left for modules"]).toBeUndefined();
});
