// @vitest-environment node
import { describe, expect, test } from "vitest";
import { startBackend } from "./testing/backend.js";

const APP = "tools/local-backend/testing/handlersApp";

test.each([
  ["allowsData", { code: "NO_STOCK" }],
  ["knowsNoData", ["error", "kind"]],
  [
    "endedSomehow",
    {
      kind: "failed",
      error: expect.any(String) as string,
      errorData: { code: "NO_STOCK" },
    },
  ],
])(
  "onComplete of a run that failed of a ConvexError is called once: its validator %s",
  async (onComplete, effect) => {
    const { run, clock, column } = await startBackend(APP);
    await run("endings:start", { onComplete });
    await clock.advance(60_000);
    expect(await column("effects", "value")).toEqual([effect]);
    expect(await column("onCompleteFailures", "error", "workflow")).toEqual([]);
  },
);

describe.each(["driver", "pool"])(
  "an action that was busy, %s:",
  (execution) => {
    const HOUR = 3_600_000;

    async function startedWith(retry: boolean) {
      const backend = await startBackend(APP);
      const id = (await backend.run("endings:startCalls", {
        busyForMs: HOUR,
        retry,
        execution,
      })) as string;
      await backend.clock.advance(HOUR - 1000);
      const status = () => backend.run("endings:statusOf", { id });
      return { ...backend, status };
    }

    test("its RetryAfterError crosses the functions between, and it is retried then", async () => {
      const { status, clock, column } = await startedWith(true);
      expect(await status()).toMatchObject({
        type: "inProgress",
        running: [{ kind: "function", functionType: "action" }],
      });
      await clock.advance(60_000);
      expect(await status()).toEqual({ type: "completed", result: "called" });
      expect(await column("effects", "value")).toEqual([["k", "success"]]);
    });

    test("without retries its RetryAfterError is the run's error", async () => {
      const { status, column } = await startedWith(false);
      expect(await status()).toEqual({ type: "failed", error: "busy" });
      expect(await column("effects", "value")).toEqual([["k", "failed"]]);
    });
  },
);
