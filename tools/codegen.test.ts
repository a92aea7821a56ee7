// @vitest-environment node
import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { startAnalysisServer } from "./analysisServer.mjs";
import { runConvexCli } from "./convexCli.mjs";
import { ROOT } from "./paths.mjs";
import { withTempDir } from "./tempDir.mjs";

const INSTALLED = path.join(ROOT, "node_modules");
const PUBLISHED = path.join(
  INSTALLED,
  "@convex-dev/workpool/src/component/_generated",
);

/** Generates code for workpool's own sources, in `dir`. */
async function generateForWorkpool(dir: string) {
  const component = path.join(dir, "component");
  const app = path.join(dir, "app");
  await symlink(INSTALLED, path.join(dir, "node_modules"));
  await cp(path.dirname(PUBLISHED), component, { recursive: true });
  await rm(path.join(component, "_generated"), { recursive: true });
  await mkdir(path.join(app, "convex"), { recursive: true });
  await writeFile(
    path.join(app, "package.json"),
    JSON.stringify({ dependencies: { convex: "*" } }),
  );

  const server = await startAnalysisServer();
  const { output } = await runConvexCli(
    ["codegen", "--component-dir", "../component", "--typecheck", "disable"],
    { cwd: app, url: server.url },
  );
  server.close();
  return { output, generated: path.join(component, "_generated") };
}

test("writes the same code for workpool as a real deployment", async () => {
  await withTempDir(async (dir: string) => {
    const { output, generated } = await generateForWorkpool(dir);
    // The other files depend on the CLI's version, not on the deployment.
    for (const file of ["api.ts", "component.ts"]) {
      const expected = await readFile(path.join(PUBLISHED, file), "utf8");
      const actual = await readFile(path.join(generated, file), "utf8");
      expect(actual, output).toBe(expected);
    }
  });
});
