import { mkdtemp, realpath, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/** Calls `use` with a fresh folder, which is deleted afterwards. */
export async function withTempDir(use) {
  // The path must not contain symlinks, because the CLI compares real paths.
  const parent = await realpath(os.tmpdir());
  const dir = await mkdtemp(path.join(parent, "workflow-"));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
