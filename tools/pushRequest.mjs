import { readFile } from "node:fs/promises";
import path from "node:path";
import { runConvexCli } from "./convexCli.mjs";
import { EXAMPLE } from "./paths.mjs";
import { withTempDir } from "./tempDir.mjs";

/**
 * Bundles an app and its components with the unmodified CLI, and returns the body
 * of the `start_push` request that it would upload.
 *
 * @param {{ app?: string, liveSources?: boolean }} [options] `app`: the folder
 *   with the app's package.json, by default the example. `liveSources`: bundle
 *   this package from `src` instead of what it publishes, `dist`.
 */
export async function pushRequest({ app = EXAMPLE, liveSources = false } = {}) {
  return withTempDir(async (dir) => {
    const requestPath = path.join(dir, "request");
    const { code, output } = await runConvexCli(
      [
        "deploy",
        ...["--write-push-request", requestPath],
        "--push-all-modules",
        ...["--typecheck", "disable"],
        ...["--codegen", "disable"],
        ...(liveSources ? ["--live-component-sources"] : []),
      ],
      { cwd: app },
    );
    if (code !== 0) throw new Error(`${app} does not bundle:\n${output}`);
    return JSON.parse(await readFile(`${requestPath}.json`, "utf8"));
  });
}
