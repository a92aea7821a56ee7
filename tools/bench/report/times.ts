import type { Result } from "./result.js";
import { CURRENT } from "../packages/current.js";
import { PUBLISHED } from "../packages/published.js";
import { ratio } from "./columns.js";
import { groupsOf } from "./counts.js";
import { table } from "./table.js";

/** Shows the time from a run's start to its handler's return, in the model of `latency.ts`. */
export function timesTable(results: Result[]): string | undefined {
  const rows: string[][] = [];
  for (const group of groupsOf(results)) {
    const { scenario, n } = group[0]!;
    const times = new Map<string, number>();
    for (const { package: name, windows, error } of group) {
      const ms = windows.find(({ window }) => window === "run")?.figures
        .modelledMs;
      if (ms !== undefined && !error) times.set(name, ms);
    }
    const [before, after] = [PUBLISHED, CURRENT].map(({ name }) =>
      times.get(name),
    );
    for (const [name, ms] of times) {
      const isLast = before && after && name === CURRENT.name;
      rows.push([
        scenario.replace("time: ", ""),
        `${n}`,
        name,
        ms.toFixed(0),
        (ms / n).toFixed(1),
        isLast ? ratio(before, after) : "",
      ]);
    }
  }
  if (rows.length === 0) return undefined;
  return table(
    ["scenario", "n", "package", "ms", "ms a step", "ratio"],
    rows,
    3,
  );
}
