// @vitest-environment node
import { expect, test } from "vitest";
import { findBrowser } from "./browser.mjs";

const machine = (exists: string[], env = {}) => ({
  platform: "darwin",
  arch: "arm64",
  env,
  exists: (file: string) => exists.includes(file),
});

const CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

test("an installed Chrome is found", async () => {
  expect(await findBrowser(machine([CHROME]))).toBe(CHROME);
});

test("CHROME_PATH takes precedence over an installed browser", async () => {
  const env = { CHROME_PATH: "/own/chrome" };
  expect(await findBrowser(machine([CHROME, "/own/chrome"], env))).toBe(
    "/own/chrome",
  );
});

test("a CHROME_PATH that doesn't exist is an error", async () => {
  const env = { CHROME_PATH: "/own/chrome" };
  await expect(findBrowser(machine([CHROME], env))).rejects.toThrow(
    "CHROME_PATH is /own/chrome, which doesn't exist.",
  );
});

test("a machine without a browser fails with a clear error", async () => {
  await expect(findBrowser(machine([]))).rejects.toThrow(
    "found no browser on this machine (darwin arm64). Install Google Chrome or Chromium, or set CHROME_PATH.",
  );
});
