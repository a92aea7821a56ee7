import { writeFile } from "node:fs/promises";
import type { Backends } from "./backend.js";
import type { Options } from "./options.js";
import { PUBLISHED } from "./packages/published.js";
import type { Result } from "./report/result.js";
import { resultsText } from "./report/results.js";
import { print } from "./print.js";
import { scenarios } from "./scenarios/all.js";
import { Measuring, type Scenario } from "./scenarios/scenario.js";

/** Measures all releases in each scenario, and prints them side by side. */
export async function compare(
  measured: Backends[],
  options: Options,
): Promise<number> {
  const chosen = scenarios.filter(
    ({ name }) => options.only?.test(name) ?? true,
  );
  if (chosen.length === 0) {
    print(`No scenario's name matches ${options.only}`);
    return 1;
  }
  const whole = !options.quick && !options.only;
  if (whole)
    print("This takes ten to twenty minutes; --quick takes about two.");
  await warmUp(measured);
  const results: Result[] = [];
  for (const scenario of chosen)
    for (const n of options.quick ? scenario.quickSizes : scenario.sizes)
      results.push(...(await measureSideBySide(measured, scenario, n)));
  const text = resultsText(results, chosen);
  print(`\n${text}`);
  if (whole) {
    await writeFile(pathOf("RESULTS.md"), text);
    await writeFile(pathOf("results.json"), jsonOf(results));
  }
  if (options.json) await writeFile(options.json, jsonOf(results));
  return printFailures(results);
}

async function measureSideBySide(
  measured: Backends[],
  scenario: Scenario,
  n: number,
): Promise<Result[]> {
  const results: Result[] = [];
  const took: string[] = [];
  for (const backends of measured) {
    const began = performance.now();
    const result = await measureOne(backends, scenario, n);
    results.push(result);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    took.push(
      `${result.package} ${seconds} s${result.error ? " (failed)" : ""}`,
    );
  }
  print(`${scenario.name}, n = ${n}: ${took.join(", ")}`);
  return results;
}

async function measureOne(
  backends: Backends,
  scenario: Scenario,
  n: number,
): Promise<Result> {
  const result: Result = {
    scenario: scenario.name,
    n,
    package: backends.installed.name,
    windows: [],
  };
  try {
    const measuring = new Measuring(await backends.make());
    await scenario
      .run(n, measuring)
      .finally(() => (result.windows = figuresOf(measuring)));
  } catch (error) {
    result.error = String(error);
  }
  return result;
}

const figuresOf = ({ windows }: Measuring): Result["windows"] =>
  windows.map(({ window, measured: { figures } }) => ({ window, figures }));

/** Compiles the code, so that the first measurement doesn't include that time. */
async function warmUp(measured: Backends[]) {
  for (const backends of measured)
    await measureOne(backends, scenarios[0]!, 10);
}

/** A failure of the published release is a result. A failure of this package is an error. */
function printFailures(results: Result[]): number {
  const failed = results.filter(
    (result) => result.error && result.package !== PUBLISHED.name,
  );
  for (const { scenario, n, error } of failed)
    print(`FAILED ${scenario}, n = ${n}: ${error}`);
  return failed.length > 0 ? 1 : 0;
}

const pathOf = (file: string) => new URL(file, import.meta.url);
const jsonOf = (results: Result[]) =>
  `[\n${results.map((result) => JSON.stringify(result)).join(",\n")}\n]\n`;
