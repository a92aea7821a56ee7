/**
 * Assembles a Convex app from the blocks of each document. It has the functions of `app/convex`, which all examples
 * may call, and a file for each block. If a block's first line is a comment with a path, the block is that file. A
 * block marked `same` declares exports of the package and must agree with it. A document with its own schema gets no
 * other functions. Each block of README.md also compiles alone.
 */
import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { generated } from "./generated.mjs";
import { shellTest } from "./shell.mjs";
import { toTest, transcriptOf } from "./transcript.mjs";

const TEMPLATE = path.join(import.meta.dirname, "app");
const FUNCTIONS = path.join(TEMPLATE, "convex");
const FILE = /^\/\/ ((?:convex|src)\/[\w./]+\.tsx?)\n/;

export const isTypeScript = ({ lang }) => lang === "ts" || lang === "tsx";

const isShell = ({ lang }) => lang === "sh";

/** Returns the path of a block that is a file. */
export const fileOf = ({ code }) => FILE.exec(code)?.[1];

export const folderOf = (source) =>
  source.replace(/\.\w+$/, "").replace(/\W+/g, "-");

/**
 * @param {string} root
 * @param {{ source: string, blocks: import("./markdown.mjs").Block[] }} document
 * @param {{ completer: ReturnType<typeof import("./complete.mjs").createCompleter>, problems: import("./problems.mjs").Problems }} tools
 */
export async function assemble(root, document, { completer, problems }) {
  if (!document.blocks.some((block) => isTypeScript(block) || isShell(block)))
    return { origins: new Map(), declared: [] };
  const app = path.join(root, folderOf(document.source));
  const isWholeApp = document.blocks.some(
    (block) => isTypeScript(block) && fileOf(block) === "convex/schema.ts",
  );
  await cp(TEMPLATE, app, {
    recursive: true,
    filter: (file) => !isWholeApp || path.dirname(file) !== FUNCTIONS,
  });
  /** The origins of each file's lines. @type {Map<string, object>} */
  const origins = new Map();
  const tests = [];
  const declared = [];
  const write = async (file, block, completed) => {
    const target = path.join(app, file);
    if (origins.has(target))
      problems.add(block, `the document has another block that is ${file}`);
    origins.set(target, {
      source: block.source,
      line: block.line - completed.addedLines,
    });
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, completed.code);
  };
  for (const [at, block] of document.blocks.filter(isTypeScript).entries()) {
    const file = fileOf(block);
    const calls = transcriptOf(block.code);
    if (block.flags.includes("same")) {
      const completed = completer.completeDeclarations(block.code, block.flags);
      declared.push(...completed.declared);
      await write(`convex/block${at}.ts`, block, completed);
    } else if (document.source === "README.md") {
      await write(file, block, { code: block.code, addedLines: 0 });
      if (!file.endsWith(".test.ts")) await assembleAlone(root, block, origins);
    } else if (file)
      await write(file, block, completer.completeFile(block.code));
    else
      await write(
        `convex/block${at}.ts`,
        block,
        completer.completeFragment(block.code),
      );
    if (calls.length > 0 && !file)
      problems.add(block, "an example that is executed must be a file");
    for (const { at: line, problem } of calls)
      if (problem) problems.add({ ...block, line: block.line + line }, problem);
    if (file && calls.every(({ problem }) => !problem) && calls.length > 0)
      tests.push(
        toTest(
          `${document.source}:${block.line} ${file}`,
          moduleOf(file),
          calls,
        ),
      );
  }
  for (const block of document.blocks.filter(isShell))
    tests.push(...shellTest(block));
  await writeGenerated(app);
  if (tests.length > 0)
    await writeFile(path.join(app, "transcripts.test.ts"), testFile(tests));
  return { origins, declared };
}

/** Assembles an app that has only this file and the README's earlier installation blocks. */
async function assembleAlone(root, block, origins) {
  const file = fileOf(block);
  const app = path.join(root, `alone-${moduleOf(file)}`);
  const folder = path.join(app, "convex");
  await mkdir(folder, { recursive: true });
  for (const name of ["schema.ts", "workflow.ts"])
    await cp(path.join(TEMPLATE, "convex", name), path.join(folder, name));
  await writeFile(path.join(app, file), block.code);
  origins.set(path.join(app, file), block);
  await writeGenerated(app);
}

const moduleOf = (file) => file.replace(/^convex\//, "").replace(/\.ts$/, "");

async function writeGenerated(app) {
  const folder = path.join(app, "convex");
  const names = await readdir(folder, { recursive: true });
  const modules = names
    .filter((name) => /^[\w/]+\.ts$/.test(name) && name !== "schema.ts")
    .map((name) => name.replace(/\.ts$/, ""))
    .sort();
  await mkdir(path.join(folder, "_generated"));
  for (const [name, text] of Object.entries(generated(modules)))
    await writeFile(path.join(folder, "_generated", name), text);
}

const testFile = (tests) =>
  [
    '/// <reference types="vite/client" />',
    'import { expect, test } from "vitest";',
    'import { newSession } from "./session.js";',
    'const modules = import.meta.glob("./convex/**/*.ts");',
    "void expect;",
    ...tests,
    "",
  ].join("\n");
