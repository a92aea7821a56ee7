import {
  inComponent,
  type Backend,
  type Ctx,
  type Place,
  type Run,
  type StepRow,
} from "./backends.js";

/** Something that will happen to a run without help from outside. */
export interface Remaining extends Place {
  /**
   * `work`: a turn, a function, a sleep, or the rest of a cancel, restart or cleanup. `timeout`: an event wait gives
   * up. `deadline`: the run fails.
   */
  kind: "work" | "timeout" | "deadline";
  /** The root of its tree of runs. */
  root: string;
  /** Absent: now. */
  dueAt?: number | undefined;
  isSleep?: boolean | undefined;
  /** A clause for messages. It changes as the run makes progress. */
  what: string;
}

/** Everything that will happen without help from outside. Cleanup because of `retention` doesn't count. */
export async function remaining(
  t: object,
  { names }: Backend,
): Promise<Remaining[]> {
  const all: Remaining[] = [];
  for (const name of names)
    all.push(...(await inComponent(t, name, (ctx) => remainingIn(ctx, name))));
  return all;
}

async function remainingIn(ctx: Ctx, name: string): Promise<Remaining[]> {
  const all: Remaining[] = [];
  const add = async (run: Run, what: string, more: Partial<Remaining> = {}) =>
    all.push({
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
  for (const run of await inProgress.collect()) {
    const { pendingTurn, driver } = run;
    const dueAt =
      pendingTurn && "dueAt" in pendingTurn ? pendingTurn.dueAt : undefined;
    if (pendingTurn && !("isLost" in pendingTurn && pendingTurn.isLost))
      await add(run, "a turn is due", { dueAt });
    if (driver) await add(run, "it is driven", { dueAt: driver.startedAt });
    if (run.restarting) await add(run, "it restarts");
  }
  const inFlight = ctx.db
    .query("steps")
    .withIndex("inProgress", (q) => q.eq("step.inProgress", true));
  for (const row of await inFlight.collect()) {
    const run = await ctx.db.get("workflows", row.workflowId);
    if (!run || isStopped(run)) continue;
    const kind = kindOfStep(row, run);
    if (!kind) continue;
    const { timer, dueAt, step } = row;
    await add(run, `${describeStep(row)}, attempt ${row.failedAttempts ?? 0}`, {
      kind,
      dueAt: timer?.endsAt ?? dueAt,
      isSleep: step.kind === "sleep",
    });
  }
  for (const task of await ctx.db.query("tasks").collect()) {
    if (task.kind === "expire") continue;
    const { workflowId } = (task.args ?? {}) as { workflowId?: Run["_id"] };
    const run = workflowId ? await ctx.db.get("workflows", workflowId) : null;
    const isDeadline = task.kind === "timeOut";
    const what = `a task "${task.kind}" is due`;
    const { dueAt } = task;
    if (run)
      await add(run, what, { kind: isDeadline ? "deadline" : "work", dueAt });
    else if (!isDeadline)
      all.push({ name, workflowId: "" as never, root: "", kind: "work", what });
  }
  return all;
}

/** The results of its steps in flight are ignored. */
const isStopped = ({ runResult, timedOut }: Run) =>
  runResult?.kind === "canceled" || timedOut === true;

/** The function steps of a run that ended by itself still run. */
function kindOfStep({ step, timer, unstarted }: StepRow, run: Run) {
  if (unstarted) return undefined;
  if ("functionType" in step) return "work";
  if (run.runResult) return undefined;
  if (step.kind === "sleep") return "work";
  return step.kind === "event" && timer ? "timeout" : undefined;
}

async function rootOf(ctx: Ctx, run: Run): Promise<string> {
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

/** What a run waits for, and what its children wait for. */
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
