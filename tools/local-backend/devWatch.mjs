import path from "node:path";
import { watch } from "chokidar";

/** Editors and compilers write several files in a row. */
const SETTLE_MS = 200;

/** Files that a push writes itself, files that aren't pushed, and editors' temporary files. */
const IGNORED =
  /(^|\/)((_generated|node_modules)(\/|$)|\.|#)|\.test(-d)?\.ts$|~$/;

/**
 * Calls `onChange` when files that a push reads have changed.
 *
 * @param {string[]} folders or files
 * @param {() => void} onChange
 * @returns {Promise<() => Promise<void>>} ends the watch. It has begun when the promise resolves
 */
export async function watchSources(folders, onChange) {
  let timer;
  const isIgnored = (file) =>
    folders.some((folder) => {
      const relative = path.relative(folder, file).split(path.sep).join("/");
      return !relative.startsWith("..") && IGNORED.test(relative);
    });
  const watcher = watch(folders, { ignoreInitial: true, ignored: isIgnored });
  watcher.on("all", () => {
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  });
  await new Promise((resolve) => watcher.once("ready", resolve));
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}
