import { readFile, rm, writeFile } from "node:fs/promises";

/**
 * Calls `use`, and leaves a file as it was before, whatever `use` does to it.
 */
export async function keepFile(file, use) {
  const before = await contentOf(file);
  try {
    return await use();
  } finally {
    const after = await contentOf(file);
    if (before === undefined) await rm(file, { force: true });
    else if (!after?.equals(before)) await writeFile(file, before);
  }
}

async function contentOf(file) {
  try {
    return await readFile(file);
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
