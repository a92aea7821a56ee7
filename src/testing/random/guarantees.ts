/** Checks of the component's tables for convex-test and the local backend alike. */
import type { Doc } from "../../component/_generated/dataModel.js";
import { same } from "./differences.js";

/** A run with its journal, in order. */
export interface Recorded {
  run: Doc<"workflows">;
  steps: Doc<"steps">[];
}

export const withJournals = (
  runs: Doc<"workflows">[],
  steps: Doc<"steps">[],
): Recorded[] =>
  runs.map((run) => ({
    run,
    steps: steps
      .filter(({ workflowId }) => workflowId === run._id)
      .sort((a, b) => a.stepNumber - b.stepNumber),
  }));

/** Checks that a recorded result never changes (G1). */
export class ResultWatch {
  private known = new Map<string, string>();

  look(recorded: Recorded[]) {
    for (const { run, steps } of recorded)
      for (const { _id, step } of steps) {
        if (!step.runResult) continue;
        const key = `${_id} in generation ${run.generationNumber}`;
        const result = JSON.stringify([step.runResult, step.completedAt]);
        const before = this.known.get(key) ?? result;
        same(`the result of step ${key}`, result, before);
        this.known.set(key, result);
      }
  }
}

/** Checks that a run has ended and waits for nothing (G2). */
export function checkEnded({ run, steps }: Recorded) {
  if (!run.runResult) throw new Error(`Run ${run._id} has not ended`);
  same(`the turn due of run ${run._id}`, run.pendingTurn, undefined);
  same(`the driver of run ${run._id}`, run.driver, undefined);
  if (run.runResult.kind === "canceled" || run.timedOut) return;
  for (const { step, unstarted } of steps) {
    const dropped = step.kind === "sleep" || step.kind === "event";
    if (step.inProgress && !dropped && !unstarted)
      throw new Error(
        `Step ${step.name} of run ${run._id} is in flight for ever`,
      );
  }
}

/** Checks that the workpool has nothing left to do (G2). */
export async function checkPoolAtRest(
  rowsOf: (table: string) => Promise<object[]>,
) {
  for (const table of [
    ...["work", "pendingStart", "pendingCompletion", "pendingCancelation"],
    "payload",
  ])
    same(`what is left of the pool's ${table}`, await rowsOf(table), []);
  const [state] = (await rowsOf("internalState")) as { running?: object[] }[];
  same("what still runs in the pool", state?.running ?? [], []);
}
