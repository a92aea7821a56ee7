// @ts-check
/** The texts that the screen and the plain lines share. */

/** @import { RunResult } from "@convex-dev/workflow" */
/** @import { Run, Step } from "./types.mjs" */

/** @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, ms) / 1000;
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

/** @param {unknown} value */
export const json = (value) => JSON.stringify(value) ?? "nothing";

/** @param {Pick<Run, "state" | "result" | "error">} run */
export function outcome({ state, result, error }) {
  switch (state) {
    case "queued":
      return "not started yet";
    case "inProgress":
      return "in progress";
    case "completed":
      return `completed, ${json(result)}`;
    case "failed":
      return `failed, ${firstLine(error)}`;
    case "canceled":
      return "canceled";
  }
}

/** @param {RunResult} result */
export function stepOutcome(result) {
  switch (result.kind) {
    case "success":
      return result.returnValue === null
        ? "success"
        : `success, ${json(result.returnValue)}`;
    case "failed":
      return `failed, ${firstLine(result.error)}`;
    case "canceled":
      return "canceled";
  }
}

/** Drops the stack that the platform appends to an error. */
const firstLine = (/** @type {string} */ error = "") => error.split("\n")[0];

/** What a step in flight is doing. @param {Step} step */
export function activity({ kind }) {
  switch (kind) {
    case "function":
      return "running";
    case "workflow":
      return "child running";
    case "event":
      return "waiting for this event";
    case "sleep":
      return "sleeping";
    case "patch":
      return "recorded";
  }
}

/** Steps of a run and of those nested in it. @param {Step[]} steps */
export function progress(steps) {
  let [done, all] = [0, 0];
  for (const step of steps) {
    const inner = progress(step.steps);
    done += inner.done + (step.completedAt === undefined ? 0 : 1);
    all += inner.all + 1;
  }
  return { done, all };
}

/** A run's own steps: those of its children aren't counted. @param {Step[]} steps */
export const ownProgress = (steps) => ({
  done: steps.filter(({ completedAt }) => completedAt !== undefined).length,
  all: steps.length,
});

/** Attempts beyond the first. @param {Step[]} steps @returns {number} */
export const retries = (steps) =>
  steps.reduce(
    (sum, step) => sum + (step.attempt ?? 1) - 1 + retries(step.steps),
    0,
  );

/** @param {string[][]} rows of which the first is the heading */
export function table(rows) {
  const [heading = []] = rows;
  const widths = heading.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
