/** Executes the assembled apps' tests: the conversations, and the documents' own test files. */
import { cp, readFile } from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { INSTALLED } from "../installPacked.mjs";
import { run } from "../run.mjs";

const CONFIG = path.join(import.meta.dirname, "vitest.config.mjs");

export async function runExamples(dir, origins, problems) {
  await cp(CONFIG, path.join(dir, "vitest.config.mjs"));
  const { code, output } = await run(
    process.execPath,
    [path.join(INSTALLED, "vitest/vitest.mjs"), "run"],
    { cwd: dir },
  );
  const { results, passed } = await readReport(dir, output);
  const failures = results.flatMap((file) => failuresOf(file, origins));
  for (const { place, message } of failures)
    problems.add(place, stripVTControlCharacters(message));
  if (code !== 0 && failures.length === 0)
    problems.add({ source: "the documents' examples" }, output);
  console.log(`documents: ${passed} examples do what they say`);
}

async function readReport(dir, output) {
  try {
    const report = await readFile(path.join(dir, "report.json"), "utf8");
    const { testResults, numPassedTests } = JSON.parse(report);
    return { results: testResults, passed: numPassedTests };
  } catch (error) {
    throw new Error(`The examples were not run:\n${output}`, { cause: error });
  }
}

/** Locates failures. A conversation's title begins with its location. Other tests are in a document's file. */
function failuresOf({ name, message, assertionResults }, origins) {
  const origin = origins.get(path.normalize(name)) ?? { source: name };
  const failed = assertionResults.filter(({ status }) => status === "failed");
  if (failed.length === 0)
    return message ? [{ place: { ...origin }, message }] : [];
  return failed.map(({ title, failureMessages }) => {
    const [, source, line] = /^(\S+):(\d+) /.exec(title) ?? [];
    return {
      place: source ? { source, line: Number(line) } : { ...origin },
      message: `${title}: ${failureMessages.join("\n")}`,
    };
  });
}
