/**
 * Fails if files of `src` have an import cycle, even if it is only for types. Generated files refer to all functions,
 * so they don't count. Neither do files that only tests use.
 */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import ts from "typescript";
import { ROOT } from "./paths.mjs";

const isCounted = (file) =>
  !/_generated|\.test(-d)?\.tsx?$|\/testing\//.test(file);

const files = globSync("src/**/*.{ts,tsx}", { cwd: ROOT }).filter(isCounted);
const imports = new Map(
  await Promise.all(files.map(async (file) => [file, await importsOf(file)])),
);

async function importsOf(file) {
  const source = await readFile(path.join(ROOT, file), "utf8");
  return ts
    .preProcessFile(source)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) =>
      path.join(path.dirname(file), specifier).replace(/\.js$/, ".ts"),
    )
    .map((imported) => (files.includes(imported) ? imported : `${imported}x`))
    .filter((imported) => files.includes(imported));
}

/** Files that are known not to lead into a cycle. */
const done = new Set();

function circleFrom(file, way = []) {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
  if (done.has(file)) return undefined;
  for (const imported of imports.get(file)) {
    const circle = circleFrom(imported, [...way, file]);
    if (circle) return circle;
  }
  done.add(file);
  return undefined;
}

for (const file of files) {
  const circle = circleFrom(file);
  if (!circle) continue;
  console.error(`Files import each other:\n  ${circle.join("\n  → ")}`);
  process.exit(1);
}
