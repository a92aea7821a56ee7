/**
 * Installs the packed package in an app of its own, `packed-app`, and checks
 * that the app type-checks, bundles and passes its tests. Needs `dist`.
 */
import {
  access,
  cp,
  mkdir,
  readdir,
  readFile,
  symlink,
} from "node:fs/promises";
import path from "node:path";
import { startAnalysisServer } from "./analysisServer.mjs";
import { runConvexCli } from "./convexCli.mjs";
import { ROOT } from "./paths.mjs";
import { pushRequest } from "./pushRequest.mjs";
import { run } from "./run.mjs";
import { withTempDir } from "./tempDir.mjs";

const TEMPLATE = path.join(ROOT, "example/tools/packed-app");
const INSTALLED = path.join(ROOT, "node_modules");
const SCOPE = "@convex-dev";
const PACKAGE = "workflow";

await withTempDir(async (app) => {
  await cp(TEMPLATE, app, { recursive: true });
  await step("install the tarball", () => install(app));
  await step("find every entry point", () => findEntryPoints(app));
  await step("generate code", () => generateCode(app));
  await step("type-check as a Convex app", () => tsc(app));
  await step("type-check as Node resolves", () =>
    tsc(app, ["--module", "NodeNext", "--moduleResolution", "NodeNext"]),
  );
  await step("bundle", () => pushRequest({ app }));
  await step("test", () => runInApp(app, bin("vitest/vitest.mjs"), ["run"]));
});

async function step(name, action) {
  await action();
  console.log(`packed app: ${name}: ok`);
}

async function install(app) {
  const nodeModules = path.join(app, "node_modules");
  await linkInstalled(INSTALLED, nodeModules, [SCOPE]);
  await linkInstalled(
    path.join(INSTALLED, SCOPE),
    path.join(nodeModules, SCOPE),
    [PACKAGE],
  );
  await unpack(path.join(nodeModules, SCOPE, PACKAGE), app);
}

/** Links all that is installed here except `excluded`: no network, no copies. */
async function linkInstalled(from, to, excluded) {
  await mkdir(to);
  for (const name of await readdir(from)) {
    if (name.startsWith(".") || excluded.includes(name)) continue;
    await symlink(path.join(from, name), path.join(to, name));
  }
}

async function unpack(target, tarballDir) {
  const packed = await runChecked(
    "npm",
    ["pack", "--ignore-scripts", "--pack-destination", tarballDir],
    ROOT,
  );
  const tarball = packed.trim().split("\n").at(-1);
  await mkdir(target);
  await runChecked(
    "tar",
    ["-xzf", path.join(tarballDir, tarball), "--strip-components=1"],
    target,
  );
}

async function findEntryPoints(app) {
  const installed = path.join(app, "node_modules", SCOPE, PACKAGE);
  const packageJson = path.join(installed, "package.json");
  const { exports } = JSON.parse(await readFile(packageJson, "utf8"));
  for (const file of targets(exports)) await access(path.join(installed, file));
}

/** The files that an exports map names, under whatever conditions. */
function targets(exports) {
  if (typeof exports === "string") return [exports];
  return Object.values(exports).flatMap(targets);
}

async function generateCode(app) {
  const server = await startAnalysisServer();
  const { code, output } = await runConvexCli(
    // With a tsconfig.json as every new app has it.
    ["codegen", "--init", "--typecheck", "disable"],
    { cwd: app, url: server.url },
  );
  server.close();
  if (code !== 0) throw new Error(output);
}

function tsc(app, options = []) {
  return runInApp(app, bin("typescript/bin/tsc"), ["-p", "convex", ...options]);
}

function bin(file) {
  return path.join(INSTALLED, file);
}

function runInApp(app, script, args) {
  return runChecked(process.execPath, [script, ...args], app);
}

async function runChecked(command, args, cwd) {
  const { code, output } = await run(command, args, { cwd });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}\n${output}`);
  return output;
}
