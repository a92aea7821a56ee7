// @vitest-environment node
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import { test } from "vitest";
import { followsAsExpected } from "../../src/testing/programs/follow.js";
import { PROGRAMS } from "../../src/testing/programs/programs.js";
import { startBackend } from "./testing/backend.js";

const APP = "tools/local-backend/testing/programsApp";
const YEAR = 365 * 24 * 60 * 60 * 1000;

test.each(Object.keys(PROGRAMS))("as a bundle: %s", async (title) => {
  const { clock, run } = await startBackend(APP);
  await followsAsExpected(title, {
    call: async (name, args) =>
      jsonToConvex(await run(`app:${name}`, convexToJson(args as Value))),
    advance: (ms) => clock.advance(ms),
    drain: () => clock.advance(YEAR),
  });
});
