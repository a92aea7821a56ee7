/**
 * Installs the packed package in an app, `packed-app`, and checks that the app
 * type-checks, bundles and passes its tests. Then builds the example's page with
 * the console, and follows the QUICKSTART from an empty folder. That uses npm's
 * registry. Needs `dist`.
 */
import { access, cp, mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { startAnalysisServer } from "./analysisServer.mjs";
import { runConvexCli } from "./convexCli.mjs";
import { followQuickstart } from "./followQuickstart.mjs";
import {
  INSTALLED,
  installPacked,
  pack,
  runChecked,
} from "./installPacked.mjs";
import { EXAMPLE, ROOT } from "./paths.mjs";
import { pushRequest } from "./pushRequest.mjs";
import { withTempDir } from "./tempDir.mjs";

/** The parts of the example that its page needs. */
const PAGE = ["convex", "src", "index.html", "vite.config.ts", "package.json"];

const TEMPLATE = path.join(ROOT, "tools/packed-app");
const STRICTEST = [
  "erasableSyntaxOnly",
  "exactOptionalPropertyTypes",
  "noImplicitReturns",
  "noPropertyAccessFromIndexSignature",
  "noUncheckedIndexedAccess",
  "noUnusedLocals",
  "noUnusedParameters",
  "verbatimModuleSyntax",
];

await withTempDir(async (dir) => {
  const tarball = await pack(dir);
  const folderFor = async (name) => {
    const folder = path.join(dir, name);
    await mkdir(folder);
    return folder;
  };
  await checkApp(await folderFor("app"), tarball);
  await checkPage(await folderFor("page"), tarball);
  const empty = await folderFor("empty");
  await step("follow the QUICKSTART", () => followQuickstart(empty, tarball));
});

async function checkApp(app, tarball) {
  await cp(TEMPLATE, app, { recursive: true });
  let installed;
  await step("install the tarball", async () => {
    installed = await installPacked(app, tarball);
  });
  await step("find every entry point", () => findEntryPoints(installed));
  await step("find no test among the files", () => findNoTest(installed));
  await step("generate code", () => generateCode(app));
  await step("type-check as a Convex app", () => tsc(app));
  await step("type-check as Node resolves", () =>
    tsc(app, ["--module", "NodeNext", "--moduleResolution", "NodeNext"]),
  );
  // `./test` ships as source, so the app's options apply to it.
  await step("type-check with the strictest options", () => tscStrictest(app));
  await step("bundle", () => pushRequest({ app }));
  await step("test", () => runInApp(app, bin("vitest/vitest.mjs"), ["run"]));
}

async function checkPage(app, tarball) {
  for (const part of PAGE)
    await cp(path.join(EXAMPLE, part), path.join(app, part), {
      recursive: true,
    });
  await installPacked(app, tarball);
  await step("build the example's page", () =>
    runInApp(app, bin("vite/bin/vite.js"), ["build", "--logLevel", "warn"]),
  );
}

async function step(name, action) {
  await action();
  console.log(`packed app: ${name}: ok`);
}

async function findEntryPoints(installed) {
  const packageJson = path.join(installed, "package.json");
  const { exports } = JSON.parse(await readFile(packageJson, "utf8"));
  for (const file of targets(exports)) await access(path.join(installed, file));
}

async function findNoTest(installed) {
  const files = await readdir(installed, { recursive: true });
  const tests = files.filter((file) =>
    /\.test(-d)?\.|(^|\/)testing(\/|$)/.test(file),
  );
  if (tests.length > 0)
    throw new Error(
      `package.json's \`files\` lets through ${tests.join(", ")}`,
    );
}

/** Returns all files in an exports map, under any condition. */
function targets(exports) {
  if (typeof exports === "string") return [exports];
  return Object.values(exports).flatMap(targets);
}

async function generateCode(app) {
  const server = await startAnalysisServer();
  const { code, output } = await runConvexCli(
    // Writes the tsconfig.json of a new app.
    ["codegen", "--init", "--typecheck", "disable"],
    { cwd: app, url: server.url },
  );
  server.close();
  if (code !== 0) throw new Error(output);
}

function tsc(app, options = []) {
  return runInApp(app, bin("typescript/bin/tsc"), ["-p", "convex", ...options]);
}

/** Ignores errors in other packages' sources, which the strict options also check. */
async function tscStrictest(app) {
  try {
    await tsc(
      app,
      STRICTEST.flatMap((option) => [`--${option}`, "true"]),
    );
  } catch (failure) {
    const errors =
      String(failure).match(/^\S+\(\d+,\d+\): error TS.*$/gm) ?? [];
    const foreign = /node_modules\/(?!@convex-dev\/workflow\/)/;
    if (!errors.length || !errors.every((error) => foreign.test(error)))
      throw failure;
  }
}

function bin(file) {
  return path.join(INSTALLED, file);
}

function runInApp(app, script, args) {
  return runChecked(process.execPath, [script, ...args], app);
}
