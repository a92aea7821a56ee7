import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../paths.mjs";
import { STATE_DIR } from "./devState.mjs";
import { withLock } from "./lock.mjs";

const SOURCES = path.join(ROOT, "src");
const BUILT = path.join(ROOT, "dist");

/** The files that `tsconfig.build.json` excludes. */
const NOT_BUILT = /\.test(-d)?\.tsx?$|(^|\/)testing\/|^test\.ts$/;

/**
 * Builds what the package publishes, unless it is newer than its sources.
 *
 * @param {() => Promise<void>} build
 */
export async function buildIfNeeded(build) {
  if (await isUpToDate()) return;
  // Of two servers, one builds and the other finds it done.
  await withLock(path.join(STATE_DIR, "build.lock"), async () => {
    if (!(await isUpToDate())) await build();
  });
}

async function isUpToDate() {
  const [sources, built] = await Promise.all([
    modificationTimes(SOURCES, /\.tsx?$/),
    modificationTimes(BUILT, /\.js$/),
  ]);
  const published = [...sources].filter(([file]) => !NOT_BUILT.test(file));
  // A module of a source that is gone would be pushed with the component.
  if (published.length !== built.size) return false;
  return published.every(
    ([file, time]) => built.get(file.replace(/\.tsx?$/, ".js")) > time,
  );
}

/** @returns {Promise<Map<string, number>>} by path relative to `dir` */
async function modificationTimes(dir, extension) {
  const files = await readdir(dir, { recursive: true }).catch(() => []);
  const matching = files.filter((file) => extension.test(file));
  return new Map(
    await Promise.all(
      matching.map(async (file) => {
        const { mtimeMs } = await stat(path.join(dir, file));
        return [file.split(path.sep).join("/"), mtimeMs];
      }),
    ),
  );
}
