/**
 * Generates `src/component/_generated` and `example/convex/_generated` with the
 * unmodified Convex CLI. With `--check`, writes nothing and fails if anything
 * would change.
 */
import path from "node:path";
import { startAnalysisServer } from "./analysisServer.mjs";
import { runConvexCli } from "./convexCli.mjs";
import { EXAMPLE, ROOT } from "./paths.mjs";

const TARGETS = [
  // Comes first, so that a broken example doesn't stop it.
  { name: "component", args: ["--component-dir", "../src/component"] },
  // Uses the component's sources, because `dist` may be stale or missing.
  { name: "example app", args: ["--live-component-sources"] },
];

const check = process.argv.includes("--check");
const server = await startAnalysisServer();
const outdated = new Set();
for (const target of TARGETS) await generate(target);
server.close();

if (outdated.size > 0) {
  console.error("Out of date; run `npm run codegen`:");
  for (const file of outdated) console.error(`  ${file}`);
  process.exitCode = 1;
}

async function generate({ name, args }) {
  const { code, output } = await runConvexCli(
    [
      "codegen",
      ...args,
      ...["--typecheck", "disable"],
      ...(check ? ["--dry-run"] : []),
    ],
    { cwd: EXAMPLE, url: server.url },
  );
  if (check) plannedChanges(output).forEach((file) => outdated.add(file));
  if (code === 0)
    return console.log(
      `${check ? "Checked" : "Generated"} code of the ${name}`,
    );
  console.error(`Codegen of the ${name} failed:\n${output}`);
  process.exitCode = 1;
}

/** Returns the files that a dry run of the CLI would write or delete. */
function plannedChanges(output) {
  const planned = output.matchAll(/Command would (?:write|delete) \w+: (.+)/g);
  return [...planned].map(([, file]) =>
    path.relative(ROOT, path.resolve(EXAMPLE, file)),
  );
}
