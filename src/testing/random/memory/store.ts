import type {
  Delivery,
  WakeCondition,
  JournalEntry,
} from "../../../client/replay/journal.js";
import type {
  NewStep,
  Trials,
  TurnEnd,
  TurnRecord,
} from "../../../client/replay/turn.js";
import type { Outcome } from "../../../shared/outcome.js";
import type { WorkInput } from "../interpret.js";
import { outcomeOf, refusalOf } from "../work.js";

/** A run and its journal, as stored in the component's tables. */
export interface MemoryRun {
  rows: JournalEntry[];
  /** Whether a turn is due. */
  pendingTurn: boolean;
  /** Results to deliver one at a time, because a turn crashed. */
  trials?: Trials;
  end?: TurnEnd;
  /** Events that were sent but not yet awaited, oldest first. */
  sent: { name: string; value: string }[];
  /** How many events were sent. */
  sends: number;
  /** The numbers of event waits that have a timeout. */
  timed: number[];
}

export const emptyRun = (): MemoryRun => ({
  rows: [],
  pendingTurn: true,
  sent: [],
  sends: 0,
  timed: [],
});

/** One transaction on a copy of a run. The caller commits it by keeping the copy. */
export class MemoryTransaction {
  readonly run: MemoryRun;

  constructor(
    committed: MemoryRun,
    private readonly now: number,
    private readonly refusesAtOnce = true,
  ) {
    this.run = structuredClone(committed);
  }

  /** Records a turn, starts its steps, and returns their entries. */
  record(turn: TurnRecord): JournalEntry[] {
    const { steps, deliveries, waits, hasMore } = turn;
    for (const { stepNumber, delivery } of deliveries)
      this.place(this.run.rows[stepNumber]!, delivery);
    for (const { stepNumber, condition } of waits)
      this.run.rows[stepNumber]!.condition = condition;
    if (hasMore) this.run.pendingTurn = true;
    this.run.trials = turn.trials;
    const rows = steps.map((step) => this.write(step));
    for (const row of rows) this.start(row);
    return structuredClone(rows);
  }

  private place(row: JournalEntry, delivery: Delivery) {
    if (row.delivery) throw new Error(`Step ${row.name} was delivered twice`);
    row.delivery = delivery;
  }

  private write(step: NewStep): JournalEntry {
    const { rows } = this.run;
    if (step.stepId !== undefined) {
      const kept = rows[step.stepNumber]!;
      if (!kept.unstarted) throw new Error(`Step ${kept.name} started twice`);
      kept.unstarted = false;
      kept.condition = step.condition;
      return kept;
    }
    if (step.stepNumber !== rows.length)
      throw new Error(
        `Step ${step.stepNumber} is written after ${rows.length} steps`,
      );
    const { kind, functionType, name, args, timeoutMs } = step.request;
    const isRefused = args["half"] !== undefined;
    if (timeoutMs !== undefined) this.run.timed.push(step.stepNumber);
    const row: JournalEntry = {
      stepId: `step${step.stepNumber}`,
      kind,
      functionType,
      name,
      args: isRefused ? {} : structuredClone(args),
      argsOmitted: isRefused,
      startedAt: step.startedAt,
      condition: step.condition,
      unstarted: false,
      bytes: 100,
      ...structuredClone(step.completed),
    };
    if (kind === "patch") this.finish(row, success(null));
    if (isRefused && this.refusesAtOnce && !row.outcome)
      this.finish(row, refusalOf(name));
    rows.push(row);
    return row;
  }

  private start(row: JournalEntry) {
    if (row.kind !== "event" || row.outcome) return;
    const at = this.run.sent.findIndex(({ name }) => name === row.name);
    if (at < 0) return;
    const [event] = this.run.sent.splice(at, 1);
    this.finish(row, success(event!.value));
  }

  private finish(row: JournalEntry, outcome: Outcome) {
    if (row.outcome) throw new Error(`Step ${row.name} was completed twice`);
    row.outcome = outcome;
    row.completedAt = this.now;
  }

  /** Completes a step in flight. The caller decides whether the result wakes the run. */
  complete(stepNumber: number, outcome: Outcome): JournalEntry {
    const row = this.run.rows[stepNumber]!;
    this.finish(row, outcome);
    return row;
  }

  /** Handles a turn that crashed because of a rejection. Further turns find out which result caused it. */
  turnFailed(error: string) {
    const { run } = this;
    const { trials } = run;
    const [tried, ...steps] = trials?.steps ?? [];
    if (trials && tried === undefined)
      throw new Error(`A turn that shows nothing new failed: ${error}`);
    run.pendingTurn = true;
    run.trials = !trials
      ? { shown: 0, steps: [] }
      : steps.length > 0
        ? { ...trials, steps }
        : undefined;
    if (tried !== undefined)
      run.rows[tried]!.heldBack = { shown: trials!.shown, error };
  }

  /** Sends an event to the first waiting step, and returns that step, if any. */
  send(name: string): JournalEntry | undefined {
    const { run } = this;
    const value = `${name}#${run.sends++}`;
    const waiter = inFlight(run).find(
      (row) => row.kind === "event" && row.name === name,
    );
    if (waiter) this.finish(waiter, success(value));
    else run.sent.push({ name, value });
    return waiter;
  }

  /** Restarts the run and keeps the steps before `from`. */
  restart(from: number) {
    const { run } = this;
    run.rows = run.rows.slice(0, from);
    run.timed = run.timed.filter((stepNumber) => stepNumber < from);
    run.end = undefined;
    run.pendingTurn = true;
    run.trials = undefined;
    for (const row of run.rows) {
      row.heldBack = undefined;
      if (!row.outcome) row.unstarted = true;
      else if (row.delivery && row.delivery.issued > from)
        row.delivery = undefined;
    }
  }
}

const success = (returnValue: unknown): Outcome => ({
  result: { kind: "success", returnValue },
});

export const inFlight = (run: MemoryRun): JournalEntry[] =>
  run.rows.filter((row) => !row.outcome && !row.unstarted);

/** Returns the outcome of a step without help from outside. An event wait times out. */
export function ownOutcome(row: JournalEntry): Outcome {
  switch (row.kind) {
    case "function":
      return outcomeOf((row.args["input"] as WorkInput).plan);
    case "workflow":
      return success(`result of ${row.name}`);
    case "sleep":
      return success(null);
    case "event":
      return {
        result: { kind: "failed", error: `Timed out: ${row.name}` },
        failure: { name: "TimeoutError", ms: 0 },
      };
    case "patch":
      throw new Error(`Patch ${row.name} is in flight`);
  }
}

/** Whether a result that was just recorded can matter to a handler that waits as `condition` says. */
export function matters(run: MemoryRun, row: JournalEntry): boolean {
  const { wakes, group }: WakeCondition = row.condition;
  const succeeded = row.outcome?.result.kind === "success";
  const isLast = () =>
    inFlight(run).every(({ condition }) => condition.group !== group);
  switch (wakes) {
    case "always":
      return true;
    case "never":
      return false;
    case "all":
      return !succeeded || isLast();
    case "any":
      return succeeded || isLast();
    case "allSettled":
      return isLast();
  }
}
