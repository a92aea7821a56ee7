// @vitest-environment node
import { expect, test } from "vitest";
import { coalesce } from "./coalesce.mjs";

test("requests during a run cause one run after it", async () => {
  const log: string[] = [];
  const request = coalesce(async () => {
    log.push("start");
    // Requests from within the run, as a commit may.
    if (log.length === 1) void request();
    await Promise.resolve();
    if (log.length === 2) void request();
    log.push("end");
  });
  await request();
  expect(log).toEqual(["start", "end", "start", "end"]);
  await request();
  expect(log).toHaveLength(6);
});

test("a run that fails rejects, and the next request runs again", async () => {
  let isBroken = true;
  const request = coalesce(async () => {
    if (isBroken) throw new Error("broken");
  });
  await expect(request()).rejects.toThrow("broken");
  isBroken = false;
  await request();
});
