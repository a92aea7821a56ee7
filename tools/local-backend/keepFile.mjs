import { readFile, rm, writeFile } from "node:fs/promises";

/**
 * Calls `use`, in which the CLI writes its variables to an environment file, then restores the file. If
 * somebody else has changed or created the file meanwhile, it stays as it is.
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

/** Returns all lines except the CLI's variables and their comments. */
const linesOfOthers = (content = "") =>
  content
    .split("\n")
    .filter((line) => !/^\s*$|^\s*#|^\w*CONVEX_\w+\s*=/.test(line))
    .join("\n");
