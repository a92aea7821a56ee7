// @vitest-environment node
import { expect, test } from "vitest";
import { HOUR } from "../../src/testing/units.js";
import { startBackend } from "./testing/backend.js";

const APP = "tools/local-backend/testing/handlersApp";

test("onComplete of a run that failed with a ConvexError is called once, even if its validator lacks the data", async () => {
  const { run, clock, column } = await startBackend(APP);
  const code = { code: "NO_STOCK" };
  const effects = {
    allowsData: code,
    knowsNoData: ["error", "kind"],
    endedSomehow: {
      ...{ kind: "failed", error: expect.any(String) as string },
      errorData: code,
    },
  };
  for (const onComplete of Object.keys(effects)) {
    await run("endings:start", { onComplete });
    await clock.advance(60_000);
  }
  expect(await column("effects", "value")).toEqual(Object.values(effects));
  expect(await column("onCompleteFailures", "error", "workflow")).toEqual([]);
});

test.each(["driver", "pool"])(
  "executed by %s, a busy action's RetryAfterError survives nested functions, and the action is retried then or fails the run",
  async (execution) => {
    const { run, clock, column } = await startBackend(APP);
    const start = async (retry: boolean) => {
      const args = { busyForMs: HOUR, retry, execution };
      const id = await run("endings:startCalls", args);
      return () => run("endings:statusOf", { id });
    };
    const retried = await start(true);
    const failed = await start(false);
    await clock.advance(HOUR - 1000);
    expect(await retried()).toMatchObject({
      type: "inProgress",
      running: [{ kind: "function", functionType: "action" }],
    });
    expect(await failed()).toEqual({ type: "failed", error: "busy" });
    expect(await column("effects", "value")).toEqual([["k", "failed"]]);
    await clock.advance(60_000);
    expect(await retried()).toEqual({ type: "completed", result: "called" });
    expect(await column("effects", "value")).toEqual([
      ["k", "failed"],
      ["k", "success"],
    ]);
  },
);
