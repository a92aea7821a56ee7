import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../paths.mjs";
import { run } from "../run.mjs";

/** The parts of the repository that tests need. */
const PARTS = [
  ...["src", "tools", "example"],
  ...["package.json", "tsconfig.json", "vitest.config.ts"],
];

/** A test that times out doesn't count as a kill, because an assertion must fail. */
const LONGEST_MS = 10 * 60_000;

/** A copy of the repository in which defects are tested. */
export class Copy {
  constructor(dir) {
    this.dir = dir;
  }

  static async make(dir) {
    for (const part of PARTS)
      await cp(path.join(ROOT, part), path.join(dir, part), {
        recursive: true,
      });
    await symlink(
      path.join(ROOT, "node_modules"),
      path.join(dir, "node_modules"),
    );
    return new Copy(dir);
  }

  async count({ file, find }) {
    const source = await readFile(path.join(this.dir, file), "utf8");
    return source.split(find).length - 1;
  }

  /** Applies a defect, and returns a function that reverts it. */
  async apply({ file, find, replace }) {
    const target = path.join(this.dir, file);
    const source = await readFile(target, "utf8");
    await writeFile(
      target,
      source.replace(find, () => replace),
    );
    return () => writeFile(target, source);
  }

  /** Runs the test with this title. */
  async runTest({ file, title }) {
    const started = Date.now();
    const report = path.join(this.dir, "report.json");
    await writeFile(report, "{}");
    const { output } = await run(
      "npx",
      [
        ...["vitest", "run", file],
        ...["--testNamePattern", `${escape(title)}$`],
        ...["--reporter=json", `--outputFile=${report}`],
      ],
      { cwd: this.dir, stop: AbortSignal.timeout(LONGEST_MS) },
    );
    const { testResults = [] } = JSON.parse(await readFile(report, "utf8"));
    const named = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter((result) => result.title === title);
    const seconds = Math.round((Date.now() - started) / 1000);
    // If a test has several rows, one failure is enough.
    const statuses = named.map(({ status }) => status);
    const decisive =
      statuses.find((status) => status !== "passed") ?? statuses[0];
    if (decisive) return { status: decisive, seconds };
    return { status: `not run (${output.slice(-2000)})`, seconds };
  }
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
