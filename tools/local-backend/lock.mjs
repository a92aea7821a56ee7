import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const RETRY_MS = 200;

/** Calls `use` while it holds the lock, so no other process does. */
export async function withLock(file, use) {
  await mkdir(path.dirname(file), { recursive: true });
  while (!(await isAcquired(file))) await sleep(RETRY_MS);
  try {
    return await use();
  } finally {
    await rm(file, { force: true });
  }
}

async function isAcquired(file) {
  try {
    await writeFile(file, `${process.pid}`, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  // A killed process can't release it.
  if (!(await isHeld(file))) await rm(file, { force: true });
  return false;
}

async function isHeld(file) {
  const holder = Number(await readFile(file, "utf8").catch(() => ""));
  // The file is empty while it is being written.
  if (!holder) return true;
  try {
    return process.kill(holder, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}
