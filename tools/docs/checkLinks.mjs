/** Checks that each link and name in prose leads to a file, heading, npm script or identifier. */
import { access, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../paths.mjs";
import { anchorsOf } from "./markdown.mjs";

export async function checkLinks(documents, problems) {
  const anchors = new Map(
    documents.map(({ source, headings }) => [
      source,
      new Set(anchorsOf(headings)),
    ]),
  );
  for (const { links } of documents)
    for (const link of links) {
      if (/^[a-z]+:/.test(link.target)) continue;
      const [file, anchor] = link.target.split("#");
      const target = file
        ? path.normalize(path.join(path.dirname(link.source), file))
        : link.source;
      if (!(await exists(target)))
        problems.add(link, `link to ${target}, which does not exist`);
      else if (
        anchor &&
        anchors.has(target) &&
        !anchors.get(target).has(anchor)
      )
        problems.add(link, `${target} has no heading #${anchor}`);
    }
}

const FILE = /^(?:(?:src|example|_autodocs)\/[\w./-]+|[A-Z]+\.md)$/;
const IDENTIFIER = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*(?:\(\))?$/;

/** Names in the documents that no source contains, from the platform and other tools. */
const FOREIGN = new Set(
  `npm npx ts sh json dist fetch setTimeout uncaught args typecheck Mermaid
   queueMicrotask RECOVERY_THRESHOLD_MS ConvexHttpClient ConvexClient ConvexReactClient ConvexProvider convex dashboard
   CONVEX_SELF_HOSTED_ADMIN_KEY CHROME_PATH vi runAllTimers Intl DateTimeFormat formatToParts Infinity true false null undefined`.split(
    /\s+/,
  ),
);

export async function checkNames(documents, problems) {
  const known = await knownWords(documents);
  const { scripts } = JSON.parse(
    await readFile(path.join(ROOT, "package.json"), "utf8"),
  );
  for (const { source, names } of documents) {
    const inFolder = await wordsBeside(source);
    for (const found of names) {
      const { name } = found;
      const script = /^npm run ([\w:-]+)/.exec(name)?.[1];
      if (script && !(script in scripts))
        problems.add(found, `no npm script ${script}`);
      else if (FILE.test(name)) {
        if (!(await exists(name)))
          problems.add(found, `${name} does not exist`);
      } else if (IDENTIFIER.test(name))
        for (const word of name.replace("()", "").split("."))
          if (!known.has(word) && !inFolder.has(word) && !FOREIGN.has(word))
            problems.add(found, `\`${name}\`: nothing is called ${word}`);
    }
  }
}

/** A README in `tools` may also name the files in its folder, and words in these files. */
async function wordsBeside(source) {
  const words = new Set();
  const folder = path.dirname(source);
  if (!/^tools\/.*README\.md$/.test(source)) return words;
  for (const name of await readdir(path.join(ROOT, folder), {
    recursive: true,
  })) {
    if (!/\.(?:mjs|ts)$/.test(name)) continue;
    const text = await readFile(path.join(ROOT, folder, name), "utf8");
    for (const [word] of `${name} ${text}`.matchAll(/[A-Za-z_$][\w$]*/g))
      words.add(word);
  }
  return words;
}

/** Returns every word in the package's sources and in the documents' code. */
async function knownWords(documents) {
  const words = new Set();
  const add = (text) => {
    for (const [word] of text.matchAll(/[A-Za-z_$][\w$]*/g)) words.add(word);
  };
  for (const folder of [
    "src/client",
    "src/component",
    "src/engine",
    "src/react",
    "src/shared",
  ])
    for (const name of await readdir(path.join(ROOT, folder), {
      recursive: true,
    }))
      if (/^(?!.*\.test(?:-d)?\.tsx?$).*\.tsx?$/.test(name))
        add(await readFile(path.join(ROOT, folder, name), "utf8"));
  for (const file of ["src/test.ts", "src/testing/harness.ts", "package.json"])
    add(await readFile(path.join(ROOT, file), "utf8"));
  for (const { blocks } of documents) for (const { code } of blocks) add(code);
  return words;
}

async function exists(file) {
  try {
    await access(path.join(ROOT, file));
    return true;
  } catch {
    return false;
  }
}
