import type { RunResult, WorkflowStatus } from "@convex-dev/workflow";
import { getFunctionName, type FunctionReference } from "convex/server";
import type { Change } from "./watch.js";

type Mutation = FunctionReference<"mutation", "internal">;

export const commandLine = (mutation: Mutation, args: unknown) =>
  `npx convex run ${getFunctionName(mutation)} '${JSON.stringify(args)}'`;

export function changeLine(change: Change, startedAt: number): string {
  const what = `step ${change.step}`.padEnd(9);
  return timed(
    change.at - startedAt,
    `${what} ${change.name}: ${describe(change)}`,
  );
}

export const runLine = (status: WorkflowStatus, tookMs: number) =>
  timed(tookMs, `${"run".padEnd(9)} ${describeStatus(status)}`);

function describe(change: Change): string {
  switch (change.kind) {
    case "started":
      return "started";
    case "ended":
      return `${describeResult(change.result)} (took ${seconds(change.tookMs)})`;
    case "retried":
      return (
        `attempt ${change.attempt} of ${change.maxAttempts} failed with "${change.error}", ` +
        `the next in ${seconds(change.delayMs)}`
      );
  }
}

function describeResult(result: RunResult): string {
  switch (result.kind) {
    case "success":
      return result.returnValue === null
        ? "success"
        : `success, ${JSON.stringify(result.returnValue)}`;
    case "failed":
      return `failed, ${result.error}`;
    case "canceled":
      return "canceled";
  }
}

export function describeStatus(status: WorkflowStatus): string {
  switch (status.type) {
    case "completed":
      return `completed, ${JSON.stringify(status.result)}`;
    case "failed":
      return `failed, ${status.error}`;
    case "canceled":
      return "canceled";
    case "inProgress":
      return `in progress, waiting for ${status.running.map(({ name }) => name).join(", ")}`;
  }
}

export const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;

const timed = (ms: number, text: string) =>
  `  ${seconds(ms).padStart(7)}  ${text}`;
