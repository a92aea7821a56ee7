import type { Backends } from "../backend.js";
import {
  countsOfUnit,
  isNested,
  unitOf,
  type Call,
} from "../recording/call.js";
import { print } from "../print.js";
import { Measuring, sumOfSteps } from "../scenarios/scenario.js";
import { unitsOfSteps } from "../steadyState.js";

const N = 6;
const FROM = 3;

/** Prints every transaction and action from one step to the next, for each kind of step. */
export async function trace(measured: Backends[]): Promise<number> {
  for (const backends of measured)
    for (const kind of ["query", "mutation", "action"] as const) {
      const measuring = new Measuring(await backends.make());
      await measuring.wholeRun("sequential", { kind, n: N }, sumOfSteps(N));
      const { calls } = measuring.windows[0]!.measured;
      print(`\n## ${backends.installed.name}: a ${kind} step\n`);
      for (const unit of unitsOfSteps(calls, FROM, FROM + 1))
        print(unitText(unit));
    }
  return 0;
}

function unitText(unit: Call): string {
  const head = `- **#${unit.number} ${unit.kind}** ${pathOf(unit)}${whyOf(unit)}${costOf(unit)}`;
  return [head, ...bodyOf(unit, "  ")].join("\n");
}

const pathOf = ({ component, name }: Call) => `\`${component}/${name}\``;

function whyOf({ caller, job }: Call): string {
  if (caller) return `, called by #${unitOf(caller).number}`;
  if (!job) return "";
  const by = job.by ? ` by #${unitOf(job.by).number}` : "";
  return `, scheduled${by}${job.delay > 0 ? ` ${job.delay} ms before` : ""}`;
}

function costOf(unit: Call): string {
  if (unit.kind === "action") return "";
  const counts = countsOfUnit(unit);
  return (
    `: ${counts.indexRanges} ranges, ${counts.documentsRead} documents read ` +
    `(${counts.impliedReads} implied), ${counts.documentsWritten} written, ${counts.scheduled} scheduled`
  );
}

function bodyOf(call: Call, indent: string): string[] {
  const lines = operationsOf(call).map((text) => `${indent}  ${text}`);
  for (const nested of call.calls.filter(isNested))
    lines.push(
      `${indent}- ${pathOf(nested)}`,
      ...bodyOf(nested, `${indent}  `),
    );
  return lines;
}

/** Lists operations, and prints repetitions once. */
function operationsOf({ operations }: Call): string[] {
  const times = new Map<string, number>();
  for (const operation of operations)
    times.set(operation, (times.get(operation) ?? 0) + 1);
  return times.size === 0
    ? []
    : [
        [...times]
          .map(([text, k]) => (k > 1 ? `${text} ×${k}` : text))
          .join(", "),
      ];
}
