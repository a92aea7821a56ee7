/**
 * Installs the packed package in an app, as a user would. Its dependencies are linked from this repository's
 * node_modules.
 */
import { mkdir, readdir, symlink } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";

export const INSTALLED = path.join(ROOT, "node_modules");
const SCOPE = "@convex-dev";
const PACKAGE = "workflow";

/** Returns the package's folder. Without a tarball, it packs one, which needs `dist`. */
export async function installPacked(app, tarball) {
  const nodeModules = path.join(app, "node_modules");
  await linkInstalled(INSTALLED, nodeModules, [SCOPE]);
  await linkInstalled(
    path.join(INSTALLED, SCOPE),
    path.join(nodeModules, SCOPE),
    [PACKAGE],
  );
  const target = path.join(nodeModules, SCOPE, PACKAGE);
  await mkdir(target);
  const file = tarball ?? (await pack(app));
  await runChecked("tar", ["-xzf", file, "--strip-components=1"], target);
  return target;
}

/** Links everything that is installed here except `excluded`, without network or copies. */
async function linkInstalled(from, to, excluded) {
  await mkdir(to);
  for (const name of await readdir(from)) {
    if (name.startsWith(".") || excluded.includes(name)) continue;
    await symlink(path.join(from, name), path.join(to, name));
  }
}

/** Packs into the folder and returns the tarball. Needs `dist`. */
export async function pack(tarballDir) {
  const packed = await runChecked(
    "npm",
    ["pack", "--ignore-scripts", "--pack-destination", tarballDir],
    ROOT,
  );
  return path.join(tarballDir, packed.trim().split("\n").at(-1));
}

/** Runs a command that must succeed, and returns its output. */
export async function runChecked(command, args, cwd) {
  const { code, output } = await run(command, args, { cwd });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}\n${output}`);
  return output;
}
