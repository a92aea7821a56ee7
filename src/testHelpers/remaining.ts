import {
  inComponent,
  type Backend,
  type Ctx,
  type Place,
  type Run,
  type StepRow,
} from "./backends.js";

/** Pending work that will happen without help from outside. */
export interface Remaining extends Place {
  /**
   * `work`: a turn, a function, a sleep, or the rest of a cancel, restart or cleanup. `timeout`: an event wait gives
   * up. `deadline`: the run fails.
   */
  kind: "work" | "timeout" | "deadline";
  /** The root of its tree of runs. */
  root: string;
  /** Absent if it is due now. */
  dueAt?: number | undefined;
  /** A clause for messages. It changes as the run makes progress. */
  what: string;
}

export type Counts = (left: Remaining) => boolean;

/** Returns all remaining work that counts, or the first `most`. Cleanup after `retention` never counts. */
export async function remainingOf(
  t: object,
  { names }: Backend,
  counts: Counts,
  most = Infinity,
): Promise<Remaining[]> {
  const found: Remaining[] = [];
  for (const name of names)
    await inComponent(t, name, async (ctx) => {
      if (found.length === most) return;
      for await (const left of remainingIn(ctx, name))
        if (counts(left) && found.push(left) === most) return;
    });
  return found;
}

async function* remainingIn(ctx: Ctx, name: string): AsyncGenerator<Remaining> {
  const of = async (
    run: Run,
    what: string,
    more: Partial<Remaining>,
  ): Promise<Remaining> => ({
    name,
    workflowId: run._id,
    root: await rootOf(ctx, run),
    kind: "work",
    what: `${describeRun(run)}: ${what}`,
    ...more,
  });
  const inProgress = ctx.db
    .query("workflows")
    .withIndex("result", (q) => q.eq("runResult.kind", undefined));
  for await (const run of inProgress) {
    const { pendingTurn, driver, restarting } = run;
    const dueAt =
      pendingTurn && "dueAt" in pendingTurn ? pendingTurn.dueAt : undefined;
    if (pendingTurn && !("isLost" in pendingTurn && pendingTurn.isLost))
      yield await of(run, "a turn is due", { dueAt });
    if (driver)
      yield await of(run, "it is driven", { dueAt: driver.startedAt });
    if (restarting) yield await of(run, "it restarts", {});
  }
  const inFlight = ctx.db
    .query("steps")
    .withIndex("inProgress", (q) => q.eq("step.inProgress", true));
  for await (const row of inFlight) {
    const run = await ctx.db.get("workflows", row.workflowId);
    const kind = run && !isStopped(run) && kindOfStep(row, run);
    if (!kind) continue;
    const what = `${describeStep(row)}, attempt ${row.failedAttempts ?? 0}`;
    yield await of(run, what, { kind, dueAt: row.timer?.endsAt ?? row.dueAt });
  }
  for await (const { kind, args, dueAt } of ctx.db.query("tasks")) {
    if (kind === "expire") continue;
    const { workflowId } = (args ?? {}) as { workflowId?: Run["_id"] };
    const run = workflowId ? await ctx.db.get("workflows", workflowId) : null;
    const isDeadline = kind === "timeOut";
    const what = `a task "${kind}" is due`;
    if (run)
      yield await of(run, what, {
        kind: isDeadline ? "deadline" : "work",
        dueAt,
      });
    // The task's run was deleted, or the task covers several runs.
    else if (!isDeadline)
      yield { name, workflowId: "" as never, root: "", kind: "work", what };
  }
}

/** Whether the run ignores the results of its steps in flight. */
const isStopped = ({ runResult, timedOut }: Run) =>
  runResult?.kind === "canceled" || timedOut === true;

/** Function steps still run after a run that ended by itself. */
function kindOfStep({ step, timer, unstarted }: StepRow, run: Run) {
  if (unstarted) return undefined;
  if ("functionType" in step) return "work";
  if (run.runResult) return undefined;
  if (step.kind === "sleep") return "work";
  return step.kind === "event" && timer ? "timeout" : undefined;
}

/** Returns the id of the root of a run's tree, or of the topmost run that wasn't cleaned up. */
export async function rootOf(ctx: Ctx, run: Run): Promise<string> {
  let root = run;
  while (root.parent) {
    const parent = await ctx.db.get("workflows", root.parent.workflowId);
    if (!parent) break;
    root = parent;
  }
  return root._id;
}

export const describeRun = ({ _id, name }: Run) =>
  `Workflow ${_id} ("${name ?? "unnamed"}")`;

function describeStep({ step, stepNumber }: StepRow): string {
  switch (step.kind) {
    case "sleep":
      return `step ${stepNumber} "${step.name}" sleeps`;
    case "event":
      return `step ${stepNumber} waits for the event "${step.name}"`;
    case "workflow":
      return `step ${stepNumber} waits for the child "${step.name}"`;
    default:
      return `step ${stepNumber} "${step.name}" is in flight`;
  }
}

export const stepsInFlight = async (ctx: Ctx, workflowId: Run["_id"]) =>
  await ctx.db
    .query("steps")
    .withIndex("inProgress", (q) =>
      q.eq("step.inProgress", true).eq("workflowId", workflowId),
    )
    .collect();

/** Describes the waits of a run and its children. */
export async function describeWaits(
  ctx: Ctx,
  workflowId: Run["_id"],
): Promise<string> {
  const waits: string[] = [];
  for (const row of await stepsInFlight(ctx, workflowId)) {
    const child = row.step.kind === "workflow" ? row.step.workflowId : null;
    waits.push(
      child
        ? `${describeStep(row)} ${child}, where ${await describeWaits(ctx, child)}`
        : describeStep(row),
    );
  }
  return waits.length > 0 ? waits.join(", and ") : "no step is in flight";
}
