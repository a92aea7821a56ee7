import { watch } from "node:fs";
import path from "node:path";

/** Editors and compilers write several files in a row. */
const SETTLE_MS = 200;

/** What pushing writes itself, what isn't pushed, and what editors leave lying. */
const IGNORED = /(^|\/)(_generated\/|\.|#)|\.test(-d)?\.ts$|~$/;

/**
 * Calls `onChange` when files that a push reads have changed.
 *
 * @param {string[]} folders
 * @param {() => void} onChange
 * @returns {() => void} ends the watch
 */
export function watchSources(folders, onChange) {
  let timer;
  const changed = (_event, file) => {
    const relative = file?.split(path.sep).join("/") ?? "";
    if (IGNORED.test(relative)) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  };
  const watchers = folders.map((folder) =>
    watch(folder, { recursive: true }, changed),
  );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
