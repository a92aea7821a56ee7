import type { RunResult, WorkflowId, WorkflowStep } from "@convex-dev/workflow";
import type { Backend } from "./backend.js";

/** Something that happened to a step. */
export type Change = {
  at: number;
  /** The step's number; a child's steps are numbered after the step that the child is. */
  step: string;
  name: string;
} & (
  | { kind: "started" }
  | { kind: "ended"; result: RunResult; tookMs: number }
  | {
      kind: "retried";
      attempt: number;
      maxAttempts: number;
      error: string;
      delayMs: number;
    }
);

/** Tells what has happened in a run, and in those nested in it, since it was last asked. */
export function watchRun(backend: Backend, workflowId: WorkflowId) {
  const seen = new Map<string, Pick<Change, "step" | "name">>();
  const ended = new Set<string>();
  let logsRead = 0;

  const look = async (runId: WorkflowId, prefix: string): Promise<Change[]> => {
    const changes: Change[] = [];
    for (const step of await backend.listSteps(runId)) {
      const number = `${prefix}${step.stepNumber}`;
      changes.push(...changesOf(step, number));
      if (step.kind === "workflow" && step.nestedWorkflowId)
        changes.push(...(await look(step.nestedWorkflowId, `${number}.`)));
    }
    return changes;
  };

  function* changesOf(step: WorkflowStep, number: string): Iterable<Change> {
    const { stepId, startedAt, completedAt, runResult } = step;
    const which = { step: number, name: step.name };
    if (!seen.has(stepId)) yield { ...which, kind: "started", at: startedAt };
    seen.set(stepId, which);
    if (ended.has(stepId) || !runResult || completedAt === undefined) return;
    ended.add(stepId);
    yield {
      ...which,
      kind: "ended",
      at: completedAt,
      result: runResult,
      tookMs: completedAt - startedAt,
    };
  }

  /** Attempts are told by the log only. */
  function* retries(until: number): Iterable<Change> {
    const logs = backend.logs.slice(logsRead, until);
    logsRead = until;
    for (const log of logs) {
      const which = log.event === "retry" && seen.get(log.stepId ?? "");
      if (!which) continue;
      yield {
        ...which,
        kind: "retried",
        at: log.at,
        attempt: log.attempt! - 1,
        maxAttempts: log.maxAttempts!,
        error: log.error!,
        delayMs: log.durationMs!,
      };
    }
  }

  return async (): Promise<Change[]> => {
    // What is logged while looking may be of steps that are not seen yet.
    const logged = backend.logs.length;
    const changes = await look(workflowId, "");
    return [...changes, ...retries(logged)].sort((a, b) => a.at - b.at);
  };
}
