/**
 * Checks the documents. Their code compiles and yields the stated results, their commands are run, their
 * links and names resolve, and every export is documented. Needs `dist`.
 *
 *     npm run docs:check -- [--keep] [--write]
 *
 * `--keep` keeps the folder with the assembled apps. `--write` first rewrites the cost table with the
 * benchmark's latest counts.
 */
import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { installPacked } from "../installPacked.mjs";
import { withTempDir } from "../tempDir.mjs";
import { assemble } from "./assemble.mjs";
import { checkExports } from "./checkExports.mjs";
import { checkLimits } from "./checkLimits.mjs";
import { checkLinks, checkNames } from "./checkLinks.mjs";
import { checkCostTable, writeCostTable } from "./costTable.mjs";
import { createCompleter } from "./complete.mjs";
import { readDocuments, WRONG } from "./documents.mjs";
import { entryPoints, exportsOf } from "./packageExports.mjs";
import { Problems } from "./problems.mjs";
import { createProgram, reportTypeErrors } from "./program.mjs";
import { runExamples } from "./runExamples.mjs";
import { checkExampleFiles, checkExecuted } from "./required.mjs";
import { checkCommands } from "./shell.mjs";

/** Entry points whose exports a block may use without an import, or declare again. */
const NAMED = /workflow(\/test)?$/;

const keep = process.argv.includes("--keep");
const problems = new Problems();

if (process.argv.includes("--write")) await writeCostTable();
await checkCostTable(problems);
const documents = await readDocuments();
await checkLinks(documents, problems);
await checkNames(documents, problems);
await checkLimits(documents, problems);
await checkCommands(documents, problems);
checkExecuted(documents, problems);
await checkExampleFiles(documents, problems);

if (keep) {
  const dir = await mkdtemp(path.join(os.tmpdir(), "workflow-docs-"));
  console.log(`documents: assembled in ${dir}`);
  await checkCode(dir);
} else await withTempDir(checkCode);

problems.takeOutIntended(documents.find(({ source }) => source === WRONG));
for (const text of problems.texts()) console.log(text);
console.log(
  problems.found.length === 0
    ? `documents: ${documents.length} are as they should be`
    : `documents: ${problems.found.length} problems`,
);
process.exitCode = problems.found.length === 0 ? 0 : 1;

async function checkCode(dir) {
  const installed = await installPacked(dir);
  const completer = createCompleter(await packageNames(installed));
  const origins = new Map();
  const declared = new Set();
  for (const document of documents) {
    const assembled = await assemble(dir, document, { completer, problems });
    for (const [file, origin] of assembled.origins) origins.set(file, origin);
    for (const name of assembled.declared) declared.add(name);
  }
  await writeFile(path.join(dir, "package.json"), '{ "type": "module" }');
  const program = createProgram([
    ...(await typescriptFiles(dir)),
    ...(await entryPoints(installed)).map(({ file }) => file),
  ]);
  reportTypeErrors(program, origins, problems);
  await checkExports({ program, installed, documents, declared, problems });
  await runExamples(dir, origins, problems);
}

async function packageNames(installed) {
  const points = (await entryPoints(installed)).filter(({ entry }) =>
    NAMED.test(entry),
  );
  const program = createProgram(points.map(({ file }) => file));
  return points.map((point) => {
    const exported = exportsOf(program, installed, point);
    const named = (isValue) =>
      exported
        .filter((each) => each.isValue === isValue && each.name !== "default")
        .map(({ name }) => name);
    return { entry: point.entry, values: named(true), types: named(false) };
  });
}

async function typescriptFiles(dir) {
  const files = [];
  for (const document of await readdir(dir, { withFileTypes: true })) {
    if (!document.isDirectory() || document.name === "node_modules") continue;
    const folder = path.join(dir, document.name);
    for (const name of await readdir(folder, { recursive: true }))
      if (/\.tsx?$/.test(name)) files.push(path.join(folder, name));
  }
  return files;
}
