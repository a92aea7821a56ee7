// @ts-check
/** Reads a run through the example's `status` and `steps`, which call `getStatus` and `listSteps`. */

/** @import { WorkflowStatus, WorkflowStep } from "@convex-dev/workflow" */
/** @import { Call, Step } from "./types.mjs" */

/** Large pages, so that all steps are read at nearly the same moment. */
const PAGE = 200;

/**
 * Reads a run and its nested runs. It doesn't reread anything that can no longer change.
 *
 * @param {Call} call
 * @param {string} module of the workflow
 * @param {string} workflowId
 */
export function readerOf(call, module, workflowId) {
  const stepsOf = stepsReader(call, module);
  return {
    /** @returns {Promise<{ status: WorkflowStatus, steps: Step[] }>} */
    async read() {
      // The status comes first, so that if the run has ended, all its steps are read.
      const status = await call(`${module}:status`, { workflowId });
      return { status, steps: await stepsOf(workflowId) };
    },
    /** Call this after a restart, because completed steps may run again. */
    forget: stepsOf.forget,
  };
}

/**
 * @param {Call} call
 * @param {string} module
 */
function stepsReader(call, module) {
  /** @type {Map<string, { steps: Step[], cursor: string | null }>} the leading pages without a step in flight, by run */
  const ended = new Map();
  /** @type {Map<string, Step[]>} of nested runs that had ended when they were read, by their step */
  const nested = new Map();

  /**
   * @param {string} workflowId
   * @returns {Promise<Step[]>}
   */
  async function stepsOf(workflowId) {
    const known = ended.get(workflowId) ?? { steps: [], cursor: null };
    const steps = [...known.steps];
    let { cursor } = known;
    let allEnded = true;
    for (;;) {
      const { page, isDone, continueCursor } = await call(`${module}:steps`, {
        workflowId,
        paginationOpts: { numItems: PAGE, cursor },
      });
      for (const row of page) steps.push(await stepOf(row));
      if (isDone) return steps;
      cursor = continueCursor;
      allEnded &&= page.every(
        (/** @type {WorkflowStep} */ { completedAt }) => completedAt,
      );
      if (allEnded) ended.set(workflowId, { steps: [...steps], cursor });
    }
  }

  /**
   * @param {WorkflowStep} row
   * @returns {Promise<Step>}
   */
  async function stepOf(row) {
    const { stepNumber, stepId, name, kind, startedAt, completedAt } = row;
    return {
      ...{ id: stepId, number: stepNumber, name, kind },
      ...{ startedAt, completedAt, result: row.runResult },
      ...(row.kind === "function" && {
        attempt: row.attempt,
        maxAttempts: row.maxAttempts,
      }),
      steps: await nestedSteps(row),
    };
  }

  /** @param {WorkflowStep} row */
  async function nestedSteps(row) {
    if (row.kind !== "workflow" || !row.nestedWorkflowId) return [];
    const known = nested.get(row.stepId);
    if (known) return known;
    const steps = await stepsOf(row.nestedWorkflowId);
    if (row.completedAt) nested.set(row.stepId, steps);
    return steps;
  }

  return Object.assign(stepsOf, {
    forget() {
      ended.clear();
      nested.clear();
    },
  });
}
