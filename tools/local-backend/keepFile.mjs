import { readFile, rm, writeFile } from "node:fs/promises";

/**
 * Calls `use`, which has the CLI write its variables to a file of environment variables, and leaves the
 * file as it was before. One that somebody else has changed or made meanwhile is left as it is.
 */
export async function keepFile(file, use) {
  const before = await contentOf(file);
  try {
    return await use();
  } finally {
    const after = await contentOf(file);
    if (after !== before && linesOfOthers(after) === linesOfOthers(before))
      await (before === undefined ? rm(file) : writeFile(file, before));
  }
}

async function contentOf(file) {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** All but the CLI's variables, and the comments that it gives them. */
const linesOfOthers = (content = "") =>
  content
    .split("\n")
    .filter((line) => !/^\s*$|^\s*#|^\w*CONVEX_\w+\s*=/.test(line))
    .join("\n");
