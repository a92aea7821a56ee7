import type { Result } from "./result.js";
import { COLUMNS } from "./columns.js";
import { inAll } from "./sums.js";
import { table } from "./table.js";

const FITTED = [
  "tx",
  "hops",
  "nested",
  "ranges",
  "docs read",
  "kB read",
  "docs written",
];

/** A curve needs more sizes than it has terms. */
const FEWEST_SIZES = 5;

/** Fits a + b·n + c·n² to the figures. Returns undefined if there are too few sizes. */
export function growthTable(results: Result[]): string | undefined {
  const columns = COLUMNS.filter(({ title }) => FITTED.includes(title));
  const rows: string[][] = [];
  for (const series of seriesOf(results)) {
    if (series.length < FEWEST_SIZES) continue;
    const { scenario, package: name } = series[0]!;
    const cells = columns.map(({ value }) =>
      formula(
        fit(
          series.map((result) => ({
            x: result.n,
            y: value(inAll(result)!),
          })),
        ),
      ),
    );
    rows.push([scenario, name, ...cells]);
  }
  if (rows.length === 0) return undefined;
  const titles = columns.map(({ title }) => title);
  return table(["scenario", "package", ...titles], rows, 2);
}

function seriesOf(results: Result[]): Result[][] {
  const series = new Map<string, Result[]>();
  for (const result of results) {
    if (result.error) continue;
    const key = `${result.scenario}/${result.package}`;
    series.set(key, [...(series.get(key) ?? []), result]);
  }
  return [...series.values()];
}

interface Point {
  x: number;
  y: number;
}

/** Returns the coefficients of 1, x and x² by least squares. */
export function fit(points: Point[]): number[] {
  const powers = ({ x }: Point) => [1, x, x * x];
  const rows = [0, 1, 2].map((i) => [
    ...[0, 1, 2].map((j) =>
      total(points, (point) => powers(point)[i]! * powers(point)[j]!),
    ),
    total(points, (point) => powers(point)[i]! * point.y),
  ]);
  return solve(rows);
}

const total = (points: Point[], of: (point: Point) => number) =>
  points.reduce((sum, point) => sum + of(point), 0);

/** Gaussian elimination. The matrix is symmetric and positive definite, so no pivot is 0. */
function solve(rows: number[][]): number[] {
  for (const [i, pivot] of rows.entries())
    for (const [k, row] of rows.entries()) {
      if (k === i) continue;
      const times = row[i]! / pivot[i]!;
      for (const j of row.keys()) row[j]! -= times * pivot[j]!;
    }
  return rows.map((row, i) => row.at(-1)! / row[i]!);
}

function formula([constant, linear, square]: number[]): string {
  const terms = [
    term(constant!, 0, ""),
    term(linear!, 2, "n"),
    term(square!, 4, "n²"),
  ];
  const text = terms.join("").replace(/^ \+ /, "").replace(/^ - /, "-");
  return text === "" ? "0" : text;
}

function term(factor: number, digits: number, of: string): string {
  const size = Number(Math.abs(factor).toFixed(digits));
  if (size === 0) return "";
  const shown = size === 1 && of !== "" ? "" : `${size}`;
  return `${factor < 0 ? " - " : " + "}${shown}${of}`;
}
