import type { Case } from "../cases.js";
import { Deployment } from "../deployment.js";
import { journalOf, type Boundary, type Golden, type Rows } from "../golden.js";
import { handlerCalls, PUBLISHED } from "../releases/published.js";
import { nextTimer, settle } from "../time.js";

const LONGEST_RUN_MS = 120_000;

/** Runs a case under the published package. */
export async function record(which: Case): Promise<Golden> {
  handlerCalls.count = 0;
  const deployment = new Deployment(PUBLISHED);
  const startedAt = Date.now();
  const elapsed = () => Date.now() - startedAt;
  const workflowId = await deployment.start(which);
  deployment.scheduleEvents(which.send, workflowId);
  const boundaries: Boundary[] = [];
  for (let timers = 0; ; timers++) {
    await settle();
    const rows = await rowsOf(deployment);
    if (hasEnded(rows, workflowId)) {
      checkBoundaries(which, boundaries);
      return {
        package: "@convex-dev/workflow@0.4.8",
        name: which.name,
        workflowId,
        timers,
        boundaries,
        end: { at: elapsed(), rows },
      };
    }
    const boundary = boundaryAt(elapsed(), rows, workflowId);
    if (boundary && isNew(boundary, boundaries)) boundaries.push(boundary);
    if (elapsed() > LONGEST_RUN_MS || !(await nextTimer()))
      throw new Error(`The run of ${which.name} never ends`);
  }
}

async function rowsOf(deployment: Deployment): Promise<Rows> {
  return withoutStacks(await deployment.allRows());
}

function hasEnded({ workflows }: Rows, workflowId: string): boolean {
  const run = workflows.find(({ _id }) => _id === workflowId);
  return run?.runResult !== undefined;
}

function boundaryAt(
  at: number,
  rows: Rows,
  workflowId: string,
): Boundary | undefined {
  const journal = journalOf(rows, workflowId);
  if (journal.some(({ step }) => step.inProgress)) return undefined;
  return { at, steps: journal.length, rows };
}

const isNew = (boundary: Boundary, boundaries: Boundary[]) =>
  boundary.steps !== boundaries.at(-1)?.steps;

/** Each turn must begin at a boundary, with nothing in flight. */
function checkBoundaries({ name }: Case, { length }: Boundary[]) {
  if (length !== handlerCalls.count)
    throw new Error(
      `${name}: ${length} boundaries, but the handler was called ${handlerCalls.count} times`,
    );
}

/** Removes stacks, because they name files of this machine. */
function withoutStacks<T>(value: T): T {
  if (typeof value === "string")
    return value.replace(/(\n\s+at [^\n]*)+/g, "\n    at <stack>") as T;
  if (Array.isArray(value)) return value.map(withoutStacks) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, withoutStacks(field)]),
  ) as T;
}
