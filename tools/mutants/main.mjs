/**
 * `npm run mutants` applies known defects to a copy of the repository, one at a time, and runs the test that
 * must fail. `npm run mutants -- <word>` tests only defects whose name contains the word. It fails if a defect
 * survives, or if the text to change doesn't occur exactly once.
 */
import os from "node:os";
import { withTempDir } from "../tempDir.mjs";
import { Copy } from "./copy.mjs";
import { DEFECTS } from "./defects.mjs";

const word = process.argv[2] ?? "";
const chosen = DEFECTS.filter(({ name }) => name.includes(word));
if (chosen.length === 0) throw new Error(`No defect's name has "${word}"`);

const failures = await withTempDir(async (dir) => {
  const copies = await Promise.all(
    Array.from({ length: Math.min(2, os.cpus().length) }, (_, index) =>
      Copy.make(`${dir}/${index}`),
    ),
  );
  return [
    ...(await share(copies, testsOf(chosen), findUnsound)),
    ...(await share(copies, chosen, findSurvivor)),
  ];
});

for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${chosen.length} defects, ${failures.length} failures`);
process.exitCode = failures.length > 0 ? 1 : 0;

function testsOf(defects) {
  const tests = defects.map(({ killedBy }) => killedBy);
  const unique = new Map(
    tests.map((test) => [`${test.file}\n${test.title}`, test]),
  );
  return [...unique.values()];
}

/** Finds tests that already fail without a defect, because they prove nothing. */
async function findUnsound(copy, test) {
  const { status } = await copy.runTest(test);
  if (status === "passed") return undefined;
  return `without any defect, this test has ${status}: ${describe(test)}`;
}

async function findSurvivor(copy, defect) {
  const { name, killedBy } = defect;
  const found = await copy.count(defect);
  if (found !== 1)
    return `${name}: the text to change is in ${defect.file} ${found} times:\n  ${defect.find}`;
  const undo = await copy.apply(defect);
  const { status, seconds } = await copy.runTest(killedBy).finally(undo);
  if (status !== "failed")
    return `${name}: survived, the test has ${status}: ${describe(killedBy)}`;
  console.log(
    `killed  ${name}\n        by ${describe(killedBy)} (${seconds} s)`,
  );
  return undefined;
}

function describe({ file, title }) {
  return `"${title}" of ${file}`;
}

/** Gives each item to the next free copy, and returns all findings. */
async function share(copies, items, find) {
  const queue = [...items];
  const found = [];
  const work = async (copy) => {
    for (let item = queue.shift(); item; item = queue.shift()) {
      const result = await find(copy, item);
      if (result) found.push(result);
    }
  };
  const ended = await Promise.allSettled(copies.map(work));
  // Throw only now, when nothing uses the copies any more.
  for (const { reason } of ended) if (reason) throw reason;
  return found;
}
