// @ts-check
/** A real browser for tests and screenshots. */
import { existsSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

/** The install locations of Chrome and Chromium. @type {Record<string, string[]>} */
const INSTALLED = {
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  linux: [
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/snap/bin/chromium",
  ],
  win32: ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].map((folder) =>
    path.join(
      process.env[folder] ?? "",
      "Google/Chrome/Application/chrome.exe",
    ),
  ),
};

/** Make a headless browser draw the same everywhere. */
const ARGS = [
  // Tests run as root in containers, and open nothing but this machine's pages.
  "--no-sandbox",
  "--disable-gpu",
  "--font-render-hinting=none",
  "--hide-scrollbars=false",
];

export async function launchBrowser() {
  return await chromium.launch({
    executablePath: await findBrowser(),
    headless: true,
    args: ARGS,
  });
}

/**
 * Returns the path of a browser: `CHROME_PATH`, the one from npm on Linux x64, or an installed one.
 *
 * @param {{ platform?: string, arch?: string, env?: Record<string, string | undefined>, exists?: (file: string) => boolean }} [machine]
 * @throws if there is none
 */
export async function findBrowser(machine = {}) {
  const { platform, arch, env, exists } = {
    platform: process.platform,
    arch: process.arch,
    env: process.env,
    exists: existsSync,
    ...machine,
  };
  if (env.CHROME_PATH) {
    if (exists(env.CHROME_PATH)) return env.CHROME_PATH;
    throw new Error(`CHROME_PATH is ${env.CHROME_PATH}, which doesn't exist.`);
  }
  if (platform === "linux" && arch === "x64") {
    const { default: packed } = await import("@sparticuz/chromium");
    return await packed.executablePath();
  }
  const found = INSTALLED[platform]?.find(exists);
  if (found) return found;
  throw new Error(
    `The browser tests found no browser on this machine (${platform} ${arch}). Install Google Chrome or Chromium, or set CHROME_PATH.`,
  );
}
