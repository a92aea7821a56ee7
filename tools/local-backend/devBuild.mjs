import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import ts from "typescript";
import { ROOT } from "../paths.mjs";
import { STATE_DIR } from "./devState.mjs";
import { withLock } from "./lock.mjs";

const SOURCES = path.join(ROOT, "src");
const BUILT = path.join(ROOT, "dist");

/**
 * Builds the published package unless the build is newer than the sources.
 *
 * @param {() => Promise<void>} build
 */
export async function buildIfNeeded(build) {
  if (await isUpToDate()) return;
  // If two servers start, one builds and the other finds the build.
  await withLock(path.join(STATE_DIR, "build.lock"), async () => {
    if (!(await isUpToDate())) await build();
  });
}

async function isUpToDate() {
  const built = await modificationTimes(
    BUILT,
    (await filesIn(BUILT)).filter((file) => file.endsWith(".js")),
  );
  const sources = await modificationTimes(SOURCES, publishedSources());
  // The module of a deleted source would still be pushed with the component.
  if (sources.size !== built.size) return false;
  return [...sources].every(
    ([file, time]) => built.get(file.replace(/\.tsx?$/, ".js")) > time,
  );
}

function publishedSources() {
  const { fileNames } = ts.getParsedCommandLineOfConfigFile(
    path.join(ROOT, "tsconfig.build.json"),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} },
  );
  return fileNames.map((file) => path.relative(SOURCES, file));
}

const filesIn = (dir) => readdir(dir, { recursive: true }).catch(() => []);

/** @returns {Promise<Map<string, number>>} the times by path, relative to `dir` */
async function modificationTimes(dir, files) {
  return new Map(
    await Promise.all(
      files.map(async (file) => {
        const { mtimeMs } = await stat(path.join(dir, file));
        return [file.split(path.sep).join("/"), mtimeMs];
      }),
    ),
  );
}
