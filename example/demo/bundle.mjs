// @ts-check
/**
 * The bundle that a push of the example would upload, with this package's sources. The Convex CLI makes it. That
 * takes a second or two, so it is cached until a source changes.
 */
import { createHash } from "node:crypto";
import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { EXAMPLE, ROOT } from "../../tools/paths.mjs";
import { pushRequest } from "../../tools/pushRequest.mjs";

/** In node_modules, so git ignores it. */
const CACHE = path.join(ROOT, "node_modules/.cache/convex-demo");

/** The files and folders that go into the bundle. */
const SOURCES = [
  path.join(ROOT, "src"),
  path.join(EXAMPLE, "convex"),
  path.join(ROOT, "package-lock.json"),
];

/** @returns {Promise<object>} */
export async function exampleBundle() {
  const file = path.join(CACHE, `${await hashOfSources()}.json`);
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    // It isn't cached yet.
  }
  const bundle = await pushRequest({ app: EXAMPLE, liveSources: true });
  await keep(file, JSON.stringify(bundle));
  return bundle;
}

async function hashOfSources() {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    for (const file of await filesOf(source)) {
      hash.update(`${path.relative(ROOT, file)}\n`);
      hash.update(await readFile(file));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/** @param {string} source */
async function filesOf(source) {
  if (path.extname(source) !== "") return [source];
  const files = await readdir(source, { recursive: true });
  return files
    .filter((file) => /\.[jt]s$/.test(file) && !/\.test(-d)?\.ts$/.test(file))
    .sort()
    .map((file) => path.join(source, file));
}

/**
 * Replaces the bundles of older sources. Several demos may do this at once.
 *
 * @param {string} file
 * @param {string} text
 */
async function keep(file, text) {
  await mkdir(CACHE, { recursive: true });
  const part = `${file}.${process.pid}`;
  await writeFile(part, text);
  await rename(part, file);
  for (const other of await readdir(CACHE)) {
    const isOld = other.endsWith(".json") && other !== path.basename(file);
    if (isOld) await rm(path.join(CACHE, other), { force: true });
  }
}
