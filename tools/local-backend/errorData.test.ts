// @vitest-environment node
import { expect, test } from "vitest";
import { startBackend } from "./testing/backend.js";

const APP = "tools/local-backend/testing/handlersApp";

test.each([
  ["allowsData", { code: "NO_STOCK" }],
  ["knowsNoData", ["error", "kind"]],
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
