/**
 * Runs every check in two parallel lanes, then the tests, which use both cores themselves. `npm test` and CI call this.
 * It ends with one line, `N passed, N failed`. Each check and each test counts as one.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";
import { withTempDir } from "./tempDir.mjs";

/** The lanes take about the same time. Checks that need `dist` come after the build. */
const LANES = [
  [
    { name: "build", npmScript: ["build"] },
    { name: "bundle", npmScript: ["check:bundle"], needs: "build" },
    { name: "pack", npmScript: ["check:pack"], needs: "build" },
    { name: "documents", npmScript: ["docs:check"], needs: "build" },
    { name: "codegen", npmScript: ["codegen", "--", "--check"] },
  ],
  [
    { name: "lint", npmScript: ["lint"] },
    { name: "typecheck", npmScript: ["typecheck"] },
    { name: "format", npmScript: ["format:check"] },
  ],
];

const results = new Map();
await Promise.all(LANES.map(runInOrder));
console.log("\n=== tests");
results.set("tests", await runTests());

const failedStages = [...results].filter(([, { failed }]) => failed > 0);
const total = (key) =>
  [...results.values()].reduce((sum, result) => sum + result[key], 0);
if (failedStages.length > 0) {
  console.log(`\nFailed: ${failedStages.map(([name]) => name).join(", ")}`);
}
console.log(`${total("passed")} passed, ${total("failed")} failed`);
process.exitCode = failedStages.length > 0 ? 1 : 0;

async function runInOrder(stages) {
  for (const stage of stages) {
    const began = performance.now();
    const { code, output } = await runStage(stage);
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(`\n=== ${stage.name} (${seconds} s)\n${output.trimEnd()}`);
    const passed = code === 0;
    results.set(stage.name, { passed: +passed, failed: +!passed });
  }
}

async function runStage({ npmScript, needs }) {
  if (needs && results.get(needs).failed > 0)
    return { code: 1, output: `Not run, because ${needs} failed` };
  const command = ["run", "--silent", ...npmScript];
  return await run("npm", command, { cwd: ROOT });
}

async function runTests() {
  return withTempDir(async (dir) => {
    const reportPath = path.join(dir, "vitest.json");
    const command = [
      ...["vitest", "run"],
      ...["--reporter=default", "--reporter=json"],
      `--outputFile.json=${reportPath}`,
    ];
    const options = { cwd: ROOT, stdio: "inherit" };
    const { code } = await run("npx", command, options);
    return testCounts(await readReport(reportPath), code);
  });
}

async function readReport(reportPath) {
  try {
    return JSON.parse(await readFile(reportPath, "utf8"));
  } catch {
    // Vitest crashed before it wrote a report.
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}

function testCounts(report, code) {
  // A file that can't be loaded has no failing test, so count the file.
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.length === 0,
  );
  const failed = report.numFailedTests + unloadable.length;
  // Unhandled errors fail the run and belong to no test.
  const failedElsewhere = failed === 0 && code !== 0;
  return {
    passed: report.numPassedTests,
    failed: failedElsewhere ? 1 : failed,
  };
}
