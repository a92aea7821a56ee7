// @ts-check
import { duration, outcome, ownProgress, retries, table } from "./text.mjs";

/** @import { Run } from "./types.mjs" */

/** @param {Run[]} runs */
export function summaryText(runs) {
  const rows = runs.map((run) => [
    run.label,
    run.state,
    `${ownProgress(run.steps).done}`,
    `${retries(run.steps)}`,
    took(run),
    run.asExpected ? "as expected" : "NOT as expected",
  ]);
  const wrong = runs.filter(({ asExpected }) => !asExpected);
  return [
    table([["run", "state", "steps", "retries", "took", "ended"], ...rows]),
    "",
    ...wrong.map((run) => `${run.label}: ${outcome(run)}`),
    wrong.length === 0
      ? "All runs ended as expected."
      : `${wrong.length} of ${runs.length} runs did not end as expected.`,
  ].join("\n");
}

/** @param {Run[]} runs */
export const summaryOf = (runs) => ({
  type: "summary",
  ok: runs.every(({ asExpected }) => asExpected),
  runs: runs.map((run) => ({
    ...{ run: run.label, workflowId: run.workflowId, state: run.state },
    ...{ result: run.result, error: run.error },
    ...{ steps: ownProgress(run.steps).done, retries: retries(run.steps) },
    tookMs: (run.endedAt ?? 0) - (run.startedAt ?? 0),
    asExpected: run.asExpected === true,
  })),
});

/** @param {Run} run */
const took = ({ startedAt, endedAt }) =>
  startedAt === undefined || endedAt === undefined
    ? ""
    : duration(endedAt - startedAt);
