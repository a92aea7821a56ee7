import type { Result } from "./result.js";
import type { Figures } from "../measuring.js";
import { CURRENT } from "../packages/current.js";
import { PUBLISHED } from "../packages/published.js";
import { COLUMNS, ratio } from "./columns.js";
import { table } from "./table.js";

/**
 * Returns a table of all releases side by side, with the ratio of the published one's counts to this one's. Returns
 * undefined if no scenario has counts.
 */
export function countsTable(
  results: Result[],
  figuresOf: (result: Result) => Figures | undefined,
): string | undefined {
  const rows: string[][] = [];
  for (const group of groupsOf(results)) {
    const { scenario, n } = group[0]!;
    const found = group.map((result) => ({
      result,
      figures: figuresOf(result),
    }));
    if (!found.some(({ figures }) => figures)) continue;
    for (const { result, figures } of found)
      rows.push([
        scenario,
        `${n}`,
        result.error ? `${result.package} (failed)` : result.package,
        ...COLUMNS.map(({ value }) => (figures ? `${value(figures)}` : "")),
      ]);
    const [before, after] = [PUBLISHED, CURRENT].map(
      ({ name }) =>
        found.find(({ result }) => result.package === name && !result.error)
          ?.figures,
    );
    if (before && after) rows.push(["", "", "ratio", ...ratios(before, after)]);
  }
  if (rows.length === 0) return undefined;
  const titles = COLUMNS.map(({ title }) => title);
  return table(["scenario", "n", "package", ...titles], rows, 3);
}

const ratios = (before: Figures, after: Figures) =>
  COLUMNS.map(({ value }) => ratio(value(before), value(after)));

/** Groups results by scenario and size. */
export function groupsOf(results: Result[]): Result[][] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const key = `${result.scenario} ${result.n}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()];
}
