/**
 * Checks types, unit tests and the packed app with the lowest and the newest supported peers.
 *
 *     npm run test:peers -- [lowest] [newest] [--all | path…]
 *
 * By default, it checks both. `--all` runs every unit test instead of a selection, and a path runs the tests
 * under it. The newest peers are those installed here. The lowest are installed in a copy of the repository,
 * along with Node 20, which the newest `convex` no longer supports.
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { runChecked } from "./installPacked.mjs";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";
import { withTempDir } from "./tempDir.mjs";

const LOWEST_CONVEX_TEST = "0.0.60";
const LOWEST_NODE = "20";

/** The tests that use the peers most: functions, validators, the workpool, convex-test and its limits. */
const SELECTION = [
  "src/exports.test.ts",
  "src/testing/smoke.test.ts",
  "src/client/define.test.ts",
  "src/engine/step/events.test.ts",
  "src/engine/step/events.values.test.ts",
  "src/engine/step/inline.test.ts",
  "src/engine/run/details.test.ts",
  "src/engine/run/list.test.ts",
  "src/engine/run/listSteps.test.ts",
  "src/engine/lifecycle/onComplete.test.ts",
  "src/engine/step/parallel.test.ts",
  "src/engine/step/retries.test.ts",
  "src/engine/run/start.test.ts",
  "src/engine/step/steps.errors.test.ts",
  "src/engine/step/steps.test.ts",
  "src/client/validation.test.ts",
  "src/testHelpers/",
  "src/client/environment",
  "src/component",
];

const PEERS = [
  "convex",
  "convex-helpers",
  "@convex-dev/workpool",
  "convex-test",
];

const STAGES = {
  types: (dir) => npmRun(dir, "typecheck"),
  "unit tests": (dir) =>
    npx(dir, ["vitest", "run", "--reporter=dot", "--silent=true", ...tests]),
  build: (dir) => npmRun(dir, "build"),
  "packed app": (dir) => npmRun(dir, "check:pack"),
};

const args = process.argv.slice(2);
const paths = args.filter((arg) => arg.includes("/"));
const chosen = args.filter((arg) => arg !== "--all" && !paths.includes(arg));
const selected = paths.length > 0 ? paths : SELECTION;
const tests = args.includes("--all") ? ["--project", "src"] : selected;
const ends = { lowest: checkLowest, newest: () => check(ROOT) };
const unknown = chosen.find((name) => !(name in ends));
if (unknown) throw new Error(`No end is called "${unknown}".`);

const failed = [];
for (const [name, checkEnd] of Object.entries(ends)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n=== ${name} peers`);
  for (const stage of await checkEnd()) failed.push(`${name}: ${stage}`);
}
console.log(
  failed.length === 0 ? "\npeers: ok" : `\nFailed: ${failed.join(", ")}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

function checkLowest() {
  return withTempDir(async (dir) => {
    await copyRepository(dir);
    await editJson(path.join(dir, "package.json"), (root) => {
      for (const [peer, range] of Object.entries(root.peerDependencies))
        root.devDependencies[peer] = range.replace(/^\^/, "");
      root.devDependencies["convex-test"] = LOWEST_CONVEX_TEST;
    });
    await editJson(path.join(dir, "example/package.json"), (example) => {
      delete example.dependencies.convex;
      for (const name of Object.keys(example.optionalDependencies))
        example.optionalDependencies[name] = LOWEST_NODE;
    });
    await runChecked("npm", ["install", "--no-audit", "--no-fund"], dir);
    return check(dir);
  });
}

/** Copies the repository without tests that need the newest peers. */
async function copyRepository(dir) {
  const files = await runChecked(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    ROOT,
  );
  for (const file of files.split("\0").filter(Boolean)) {
    if (/\.newest\.test(-d)?\.ts$/.test(file)) continue;
    const target = path.join(dir, file);
    await mkdir(path.dirname(target), { recursive: true });
    await cp(path.join(ROOT, file), target).catch((error) => {
      // The file was deleted, but that isn't committed yet.
      if (error.code !== "ENOENT") throw error;
    });
  }
  await rm(path.join(dir, "node_modules"), { recursive: true, force: true });
}

async function editJson(file, edit) {
  const json = JSON.parse(await readFile(file, "utf8"));
  edit(json);
  await writeFile(file, JSON.stringify(json, null, 2));
}

/** Runs each stage with the Node and the peers of `dir`, and returns those that failed. */
async function check(dir) {
  await npx(dir, ["node", "--version"]);
  for (const name of PEERS)
    console.log(name, await installedVersion(dir, name));
  const failures = [];
  for (const [name, stage] of Object.entries(STAGES)) {
    const { code } = await stage(dir);
    console.log(`${name}: ${code === 0 ? "ok" : "failed"}`);
    if (code !== 0) failures.push(name);
  }
  return failures;
}

async function installedVersion(dir, name) {
  const file = path.join(dir, "node_modules", name, "package.json");
  return JSON.parse(await readFile(file, "utf8")).version;
}

function npmRun(cwd, script) {
  return runWith(cwd, "npm", ["run", "--silent", script]);
}

function npx(cwd, command) {
  return runWith(cwd, "npx", ["--no-install", ...command]);
}

/** Runs a command with the Node that is installed in `cwd`, if any. */
function runWith(cwd, command, args) {
  const bin = path.join(cwd, "node_modules/.bin");
  const PATH = `${bin}${path.delimiter}${process.env.PATH}`;
  const env = { ...process.env, PATH };
  return run(command, args, { cwd, env, stdio: "inherit" });
}
