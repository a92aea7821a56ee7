import type { Backends } from "../backend.js";
import type { Call } from "../recording/call.js";
import { addTo, noCounts, type Counts } from "../recording/counts.js";
import { print } from "../print.js";
import { scenarios } from "../scenarios/all.js";
import { Measuring, type Scenario } from "../scenarios/scenario.js";
import { table } from "./table.js";

/** Prints the cost of each function in some scenarios, at the largest size of `--quick`. */
export async function profile(
  measured: Backends[],
  which: RegExp,
): Promise<number> {
  const chosen = scenarios.filter(({ name }) => which.test(name));
  for (const scenario of chosen)
    for (const backends of measured) await profileOne(backends, scenario);
  if (chosen.length > 0) return 0;
  print(`No scenario's name matches ${which}`);
  return 1;
}

async function profileOne(backends: Backends, scenario: Scenario) {
  const n = scenario.quickSizes.at(-1)!;
  const measuring = new Measuring(await backends.make());
  await scenario.run(n, measuring);
  print(`\n## ${scenario.name}, n = ${n}, ${backends.installed.name}`);
  for (const { window, measured } of measuring.windows)
    print(`\nwindow: ${window}\n\n${profileTable(measured.calls)}`);
}

interface Cost extends Counts {
  calls: number;
}

/** Shows each function's own counts, and the sums for each component. */
function profileTable(calls: Call[]): string {
  const functions = new Map<string, Cost>();
  const components = new Map<string, Cost>();
  const all = new Map<string, Cost>();
  for (const call of calls) {
    add(functions, `${call.component}/${call.name} ${call.kind}`, call);
    add(components, `all of ${call.component}`, call);
    add(all, "all", call);
  }
  const rows = [...byReads(functions), ...byReads(components), ...all];
  return table(HEADER, rows.map(cellsOf), 1);
}

function add(costs: Map<string, Cost>, key: string, { counts }: Call) {
  const cost = costs.get(key) ?? { ...noCounts(), calls: 0 };
  costs.set(key, cost);
  cost.calls++;
  addTo(cost, counts);
}

const byReads = (costs: Map<string, Cost>) =>
  [...costs].sort(([, a], [, b]) => b.documentsRead - a.documentsRead);

const HEADER = [
  ...["function", "calls", "ranges", "docs read", "implied", "kB read"],
  ...["docs written", "kB written", "scheduled"],
];

const cellsOf = ([name, cost]: [string, Cost]) => [
  name,
  ...[
    cost.calls,
    cost.indexRanges,
    cost.documentsRead,
    cost.impliedReads,
    Math.round(cost.bytesRead / 1000),
    cost.documentsWritten,
    Math.round(cost.bytesWritten / 1000),
    cost.scheduled,
  ].map(String),
];
