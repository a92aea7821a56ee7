// @vitest-environment node
import { describe, expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";

const start = () => startBackend(PLATFORM_APP);

describe("a promise that is rejected and has no handler when the code lets go", () => {
  test.each([0, 1, 50])(
    "harms nothing if a handler comes in time, %i microtasks later",
    async (hops) => {
      const { run } = await start();
      const args = { calls: 0, hops };
      expect(await run("rejections:handledLater", args)).toBe("handled");
    },
  );

  test.each([
    ["handledLater", { calls: 1, hops: 0 }],
    ["handledLater", { calls: 1, hops: 50 }],
    ["handledLater", { calls: 3, hops: 1 }],
    ["forgotten", {}],
  ])(
    "ends a mutation, and nothing of it remains: %s %j",
    async (name, args) => {
      const { failure, column } = await start();
      expect(await failure(`rejections:${name}`, args)).toBe(
        "Uncaught Error: rejected\n",
      );
      expect(await column("rows", "key")).toEqual([]);
    },
  );

  test("ends a nested mutation alone: its caller can catch that", async () => {
    const { run, column } = await start();
    expect(await run("rejections:catchesNested")).toBe(
      "Uncaught Error: rejected\n",
    );
    expect(await column("rows", "key")).toEqual(["kept"]);
  });

  test("ends an action", async () => {
    const { failure } = await start();
    expect(await failure("rejections:actionHandlesLater")).toMatch(
      "Uncaught Error: rejected",
    );
  });
});
