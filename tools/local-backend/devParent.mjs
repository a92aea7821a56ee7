import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

const LOOK_EVERY_MS = 500;

/** npm may run a script through one of these shells, which outlives npm. */
const SHELLS = new Set(["sh", "bash", "dash", "zsh", "ash", "ksh"]);

/**
 * Calls `act` when the npm that runs this script has exited. Otherwise nothing would
 * stop the process if npm is killed.
 *
 * @param {() => void} act
 * @returns {Promise<() => void>} ends the watch
 */
export async function onNpmExit(act) {
  if (process.env.npm_lifecycle_event === undefined) return () => {};
  const parent = process.ppid;
  const watched = [parent, ...(await parentOfShell(parent))];
  const timer = setInterval(() => {
    if (process.ppid === parent && watched.every(isAlive)) return;
    clearInterval(timer);
    act();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** @returns {Promise<number[]>} none if the process is no shell */
async function parentOfShell(pid) {
  const { stdout } = await promisify(execFile)("ps", [
    ...["-o", "ppid=,comm=", "-p", `${pid}`],
  ]).catch(() => ({ stdout: "" }));
  const [, parent, command] = /^\s*(\d+)\s+-?(.*\S)/.exec(stdout) ?? [];
  return command !== undefined && SHELLS.has(path.basename(command))
    ? [Number(parent)]
    : [];
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}
