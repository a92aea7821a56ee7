/**
 * Counts a few words per 1,000 words of prose, for each document and in total. It ignores code.
 *
 *     node tools/docs/wordCounts.mjs
 *
 * Convex's own docs have 24–32 "you", 0–2.6 "what", 7–17 "of" and 36–52 commas per 1,000 words.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../paths.mjs";

const COUNTED = {
  you: /\byou(?:r|rs|rself)?\b/gi,
  what: /\bwhat\b/gi,
  of: /\bof\b/gi,
  commas: /,(?=\s|$)/gm,
};

const documents = [
  ...(await filesIn("", /^[^/]+\.md$/)),
  ...(await filesIn("_autodocs", /\.md$/)),
  ...(await filesIn("tools", /(?:^|\/)README\.md$/)),
];
const sources = await filesIn(
  "src",
  /^(?!.*(?:\.test(?:-d)?\.ts|_generated)).*\.ts$/,
);
const tests = [
  ...(await filesIn("src", /\.test\.ts$/)),
  ...(await filesIn("tools", /\.test\.ts$/)),
  ...(await filesIn("example", /\.test\.ts$/)),
];

const rows = [];
for (const file of documents)
  rows.push(count(file, markdownProse(await read(file))));
rows.push(sum("all documents", rows));
rows.push(
  count("comments of src", (await readAll(sources)).map(comments).join("\n")),
);
rows.push(
  count("titles of tests", (await readAll(tests)).map(titles).join("\n")),
);
rows.push(sum("in all", rows.slice(-3)));
print(rows);

/** @param {string} text */
function markdownProse(text) {
  return text
    .replace(/^( *)(`{3,})[^\n]*\n[\s\S]*?^\1\2$/gm, "")
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/\]\([^)]*\)/g, "]")
    .replace(/`[^`]*`/g, "code")
    .replace(/^[ |:-]+$/gm, "");
}

/** @param {string} text */
function comments(text) {
  const found = text.matchAll(/\/\*\*?([\s\S]*?)\*\/|(?<![:"'`])\/\/(.*)$/gm);
  const lines = [...found].map(([, block, line]) =>
    (block ?? line).replace(/^\s*\* ?/gm, ""),
  );
  return markdownProse(lines.join("\n"));
}

/** @param {string} text */
function titles(text) {
  const found = text.matchAll(
    /\b(?:test|it|describe)(?:\.\w+(?:\([^)]*\))?)*\(\s*(["`])(.*?)\1/g,
  );
  return [...found].map(([, , title]) => title).join("\n");
}

function count(name, text) {
  const row = {
    name,
    words: matches(text, /[\p{L}\p{N}]+(?:['’][\p{L}]+)?/gu),
  };
  for (const [key, pattern] of Object.entries(COUNTED))
    row[key] = matches(text, pattern);
  return row;
}

function sum(name, added) {
  const total = { name };
  for (const key of ["words", ...Object.keys(COUNTED)])
    total[key] = added.reduce((all, row) => all + row[key], 0);
  return total;
}

function matches(text, pattern) {
  return [...text.matchAll(pattern)].length;
}

function print(all) {
  const columns = ["words", ...Object.keys(COUNTED)];
  console.log("".padEnd(44) + columns.map((key) => key.padStart(8)).join(""));
  for (const row of all) {
    const cells = columns.map((key) =>
      key === "words"
        ? `${row.words}`
        : ((row[key] / row.words) * 1000).toFixed(1),
    );
    console.log(
      row.name.padEnd(44) + cells.map((cell) => cell.padStart(8)).join(""),
    );
  }
}

function read(file) {
  return readFile(path.join(ROOT, file), "utf8");
}

function readAll(files) {
  return Promise.all(files.map(read));
}

async function filesIn(folder, pattern) {
  const names = await readdir(path.join(ROOT, folder), {
    recursive: folder !== "",
  });
  return names
    .filter((name) => pattern.test(name) && !name.includes("node_modules"))
    .map((name) => path.join(folder, name))
    .sort();
}
