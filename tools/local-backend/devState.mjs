/**
 * The address of a running local server, in a file that `npm run convex` reads, so that you don't set variables by
 * hand. It is in node_modules, so git ignores it.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../paths.mjs";

export const STATE_DIR = path.join(ROOT, "node_modules/.cache/convex-local");

/** @typedef {{ url: string, siteUrl: string, adminKey: string, instanceName: string }} LocalServer */

/**
 * @param {string} app the folder with the app's package.json
 * @param {LocalServer} server
 */
export async function saveState(app, server) {
  const { url, siteUrl, adminKey, instanceName } = server;
  await mkdir(STATE_DIR, { recursive: true });
  const state = JSON.stringify({ app, url, siteUrl, adminKey, instanceName });
  // Only the user who started the server may read the key.
  await writeFile(await stateFile(app), state, { mode: 0o600 });
}

export async function removeState(app) {
  await rm(await stateFile(app), { force: true });
}

/** @returns {Promise<LocalServer | undefined>} the server that runs for an app */
export async function findServer(app) {
  const server = await readState(app);
  // A server that was killed leaves its file behind.
  return server && (await isRunning(server)) ? server : undefined;
}

async function readState(app) {
  try {
    return JSON.parse(await readFile(await stateFile(app), "utf8"));
  } catch {
    return undefined;
  }
}

async function isRunning({ url, instanceName }) {
  try {
    const response = await fetch(`${url}/instance_name`);
    return (await response.text()) === instanceName;
  } catch {
    return false;
  }
}

async function stateFile(app) {
  const hash = createHash("sha256").update(await realpath(app));
  return path.join(STATE_DIR, `${hash.digest("hex").slice(0, 16)}.json`);
}
