import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../paths.mjs";
import { jsDocAsMarkdown, parseMarkdown } from "./markdown.mjs";

/** The sources whose JSDoc an app's author sees. */
const PUBLIC_SOURCES = ["src/client", "src/test.ts"];

/** A document with deliberate errors, to test the checker. */
export const WRONG = "tools/docs/wrong.md";

/** Parses every document, and every source with code in its JSDoc. */
export async function readDocuments() {
  const documents = [];
  for (const source of [...(await markdownFiles()), WRONG])
    documents.push(await read(source, (text) => text));
  for (const source of await publicSources()) {
    const document = await read(source, jsDocAsMarkdown);
    if (document.blocks.length > 0)
      documents.push({ ...document, headings: [], links: [], names: [] });
  }
  return documents;
}

async function read(source, toMarkdown) {
  const text = await readFile(path.join(ROOT, source), "utf8");
  return { source, ...parseMarkdown(source, toMarkdown(text)) };
}

async function markdownFiles() {
  const inRoot = (await readdir(ROOT)).filter((name) => name.endsWith(".md"));
  return [
    ...inRoot,
    ...(await filesIn("_autodocs", ".md")),
    "tools/local-backend/README.md",
  ].sort();
}

async function publicSources() {
  const files = [];
  for (const source of PUBLIC_SOURCES)
    files.push(
      ...(source.endsWith(".ts") ? [source] : await filesIn(source, ".ts")),
    );
  return files.filter((file) => !/\.test(-d)?\.ts$/.test(file)).sort();
}

async function filesIn(folder, extension) {
  const names = await readdir(path.join(ROOT, folder), { recursive: true });
  return names
    .filter((name) => name.endsWith(extension))
    .filter((name) => !name.split(path.sep).includes("testing"))
    .map((name) => path.join(folder, name));
}
