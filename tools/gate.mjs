/**
 * Runs every check: `npm test` and CI call this. Ends with one line, `N passed, N failed`. Each check and each test
 * counts as one.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";
import { withTempDir } from "./tempDir.mjs";

const STAGES = [
  { name: "format", npmScript: ["format:check"] },
  { name: "lint", npmScript: ["lint"] },
  { name: "build", npmScript: ["build"] },
  { name: "codegen", npmScript: ["codegen", "--", "--check"] },
  { name: "typecheck", npmScript: ["typecheck"] },
  { name: "bundle", npmScript: ["check:bundle"], needs: "build" },
  { name: "tests", execute: runTests },
  { name: "pack", npmScript: ["check:pack"], needs: "build" },
  { name: "documents", npmScript: ["docs:check"], needs: "build" },
];

const results = new Map();
for (const stage of STAGES) {
  console.log(`\n=== ${stage.name}`);
  results.set(stage.name, await runStage(stage));
}

const failedStages = [...results].filter(([, { failed }]) => failed > 0);
const total = (key) =>
  [...results.values()].reduce((sum, result) => sum + result[key], 0);
if (failedStages.length > 0) {
  console.log(`\nFailed: ${failedStages.map(([name]) => name).join(", ")}`);
}
console.log(`${total("passed")} passed, ${total("failed")} failed`);
process.exitCode = failedStages.length > 0 ? 1 : 0;

async function runStage({ npmScript, execute, needs }) {
  if (needs && results.get(needs).failed > 0) {
    console.log(`Not run, because ${needs} failed`);
    return { passed: 0, failed: 1 };
  }
  if (execute) return execute();
  const code = await runInRoot("npm", ["run", "--silent", ...npmScript]);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function runTests() {
  return withTempDir(async (dir) => {
    const reportPath = path.join(dir, "vitest.json");
    const code = await runInRoot("npx", [
      ...["vitest", "run"],
      ...["--reporter=default", "--reporter=json"],
      `--outputFile.json=${reportPath}`,
    ]);
    return testCounts(await readReport(reportPath), code);
  });
}

async function readReport(reportPath) {
  try {
    return JSON.parse(await readFile(reportPath, "utf8"));
  } catch {
    // Vitest crashed before it could write one.
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}

function testCounts(report, code) {
  // A file that can't be loaded has no failing test, but has failed.
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

async function runInRoot(command, args) {
  const { code } = await run(command, args, { cwd: ROOT, stdio: "inherit" });
  return code;
}
