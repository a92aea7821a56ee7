import type { Backend } from "./backend.js";
import { seconds } from "./lines.js";

/** All runs that the backend holds, nested ones included. */
export async function summary(backend: Backend): Promise<string> {
  const rows = [["run", "state", "steps", "retries", "took"]];
  for (const { workflowId, name, runResult } of await backend.listRuns()) {
    const steps = await backend.listSteps(workflowId);
    const logs = backend.logs.filter((log) => log.workflowId === workflowId);
    const retries = logs.filter(({ event }) => event === "retry").length;
    const took = logs.find(({ event }) => event === "completed")?.durationMs;
    rows.push([
      name ?? workflowId,
      runResult?.kind ?? "in progress",
      String(steps.length),
      String(retries),
      took === undefined ? "" : seconds(took),
    ]);
  }
  return `\n${table(rows)}\n`;
}

function table(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
