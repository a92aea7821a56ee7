import { UnhandledRejection } from "../../../client/environment/environment.js";
import type { JournalEntry } from "../../../client/replay/journal.js";
import type { Node } from "../program.js";
import type { Random } from "../random.js";
import type { Coverage } from "../coverage.js";
import { same } from "../differences.js";
import {
  checkKept,
  checkOrderWithin,
  checkReplay,
  mayRejectLate,
} from "./checks.js";
import {
  MemoryTransaction,
  emptyRun,
  inFlight,
  matters,
  ownOutcome,
  type MemoryRun,
} from "./store.js";
import { takeTurn, type Quiesce, type Turn, type TurnOptions } from "./turn.js";

export const HAZARDS = [
  "turn of several results",
  "turn lost and taken again",
  "turn with nothing to do",
  "turn cut short",
  "completed at the same time",
  "completed before the one before",
  "result that wakes nobody",
  "inline before waiting results",
  "event sent before awaited",
  "event timed out",
  "completed after the end",
  "in flight at the end",
  "waits for no step",
  "turn failed because of a rejection",
  "held back, then delivered",
  "held back to the end",
  "returned",
  "threw",
  "restarted",
  "result arrived anew",
  "started again",
] as const;
export type Hazard = (typeof HAZARDS)[number];

const isHeldBack = ({ heldBack }: JournalEntry) => heldBack !== undefined;

/** The conditions of one random execution. */
interface Conditions {
  /** Whether every result wakes the run, or only those that can matter. */
  wakes: "every" | "mattering";
  /** The probability that a due turn comes next. */
  promptness: number;
  restarts: number;
  turns: Omit<TurnOptions, "now">;
}

function conditionsOf(random: Random): Conditions {
  const small = random.chance(0.25);
  return {
    wakes: random.pick(["every", "mattering", "mattering"]),
    promptness: random.pick([0.15, 0.5, 1]),
    restarts: random.chance(0.2) ? random.between(1, 2) : 0,
    turns: {
      quiesce: random.pick<Quiesce>(["ticks", "hostCall"]),
      limits: small
        ? {
            newSteps: random.between(1, 3),
            deliveries: random.between(1, 3),
            deliveredBytes: random.between(1, 150),
          }
        : {},
      inlineSteps: small ? random.between(1, 2) : Infinity,
      inlineFits: small ? () => random.chance(0.7) : undefined,
    },
  };
}

export interface Execution {
  run: MemoryRun;
  restarted: boolean;
  turns: Omit<TurnOptions, "now">;
}

/** Executes a program to its end, with results and turns in random order. */
export async function executeRandomRun(
  program: Node,
  random: Random,
  coverage: Coverage<Hazard>,
  edits?: Edits,
): Promise<Execution> {
  return await new RandomExecution(program, random, coverage, edits).execute();
}

/** A deploy of edited code during the run. */
export interface Edits {
  takesNew: NonNullable<TurnOptions["takesNew"]>;
  /** Called before each event. */
  before(run: MemoryRun): Promise<void>;
  /** A restart keeps the steps before `from`. */
  restarted(from: number): void;
  /** Whether no turn was taken since the deploy. */
  isFresh: boolean;
}

class RandomExecution {
  private run = emptyRun();
  private time = 1_000_000;
  private readonly conditions: Conditions;
  private sendsLeft = 3;
  private restarted = false;

  constructor(
    private readonly program: Node,
    private readonly random: Random,
    private readonly coverage: Coverage<Hazard>,
    private readonly edits?: Edits,
  ) {
    this.conditions = conditionsOf(random);
  }

  async execute(): Promise<Execution> {
    for (let events = 0; ; events++) {
      if (events > 2000) throw new Error("The run never ends");
      if (this.run.end && !this.goesOnAfterEnd()) break;
      await this.edits?.before(this.run);
      await this.step();
    }
    this.countEnd();
    const { run, restarted, conditions } = this;
    return { run, restarted, turns: conditions.turns };
  }

  /** Executes one turn, completion or event. */
  private async step() {
    const { random } = this;
    this.time += random.pick([0, 0, 1, 3]);
    if (!this.run.end) {
      if (random.chance(0.05)) await this.loseTurn();
      if (random.chance(0.05)) await this.takeNeedlessTurn();
      if (this.sendsLeft > 0 && random.chance(0.1)) {
        this.sendsLeft--;
        return await this.send(random.pick(["e0", "e1"]));
      }
    }
    if (this.run.end) return;
    const waiting = inFlight(this.run);
    const turnNext =
      this.run.pendingTurn &&
      (waiting.length === 0 || random.chance(this.conditions.promptness));
    if (turnNext) return await this.turn();
    if (waiting.length === 0)
      throw new Error("The run hangs: nothing is due and nothing in flight");
    await this.bring(random.pick(waiting));
  }

  /** Returns the time on one of the machines, whose clocks differ. */
  private now() {
    return this.time + this.random.pick([0, 0, 0, -4, 4]);
  }

  private turnOptions(): TurnOptions {
    const takesNew = this.edits?.takesNew;
    return { ...this.conditions.turns, takesNew, now: this.now() };
  }

  private async turn() {
    const before = this.run;
    const turn = await this.takeTurnThatMayFail();
    if (!turn) return;
    this.run = turn.run;
    if (this.edits) this.edits.isFresh = false;
    this.countTurn(before, turn);
    checkKept(before, this.run);
    if (!this.restarted && !mayRejectLate(this.program))
      checkOrderWithin(before, turn);
    if (turn.end.kind === "yielded") {
      this.coverage.hit("turn cut short");
      same(
        "the turn that a turn cut short leaves due",
        this.run.pendingTurn,
        true,
      );
    } else await checkReplay(this.program, this.run, this.turnOptions());
  }

  private async takeTurnThatMayFail() {
    const { run } = this;
    try {
      return await takeTurn(this.program, run, this.turnOptions());
    } catch (error) {
      if (!(error instanceof UnhandledRejection)) throw error;
      this.coverage.hit("turn failed because of a rejection");
      const transaction = new MemoryTransaction(run, this.now());
      transaction.turnFailed(error.message);
      this.run = transaction.run;
      return undefined;
    }
  }

  private async loseTurn() {
    if (!this.run.pendingTurn) return;
    await takeTurn(this.program, this.run, this.turnOptions()).catch(
      (error: unknown) => {
        if (!(error instanceof UnhandledRejection)) throw error;
      },
    );
    this.coverage.hit("turn lost and taken again");
  }

  private async takeNeedlessTurn() {
    if (this.run.pendingTurn || this.run.rows.length === 0) return;
    this.coverage.hit("turn with nothing to do");
    await this.turn();
  }

  /** Completes a step in flight, by itself or by sending its event. */
  private async bring(row: JournalEntry) {
    if (row.kind === "event" && !this.timesOut(row))
      return await this.send(row.name);
    const stepNumber = this.run.rows.indexOf(row);
    if (row.kind === "event") this.coverage.hit("event timed out");
    await this.commit((transaction) =>
      transaction.complete(stepNumber, ownOutcome(row)),
    );
  }

  private timesOut(row: JournalEntry) {
    const stepNumber = this.run.rows.indexOf(row);
    return this.run.timed.includes(stepNumber) && this.random.chance(0.5);
  }

  private async send(name: string) {
    await this.commit((transaction) => transaction.send(name));
  }

  /** Commits a transaction outside the handler that may complete a step. */
  private async commit(
    change: (transaction: MemoryTransaction) => JournalEntry | undefined,
  ) {
    const now = this.now();
    const transaction = new MemoryTransaction(this.run, now);
    const row = change(transaction);
    if (row) this.countCompletion(now);
    this.run = transaction.run;
    if (!row || this.run.end) return;
    const wakes = this.conditions.wakes === "every" || matters(this.run, row);
    if (wakes) this.run.pendingTurn = true;
    // Each turn that delivers a result also retries results that were held back.
    else if (
      !this.run.pendingTurn &&
      !this.run.rows.some(isHeldBack) &&
      !this.edits?.isFresh
    )
      await this.checkNeedlessWake();
  }

  /** Checks that a turn that the engine skips would have done nothing. */
  private async checkNeedlessWake() {
    this.coverage.hit("result that wakes nobody");
    const { run, end } = await takeTurn(this.program, this.run, {
      ...this.turnOptions(),
      limits: {},
    });
    same("what a result that wakes nobody leads to", end.kind, "waiting");
    same("the steps it leads to", run.rows.length, this.run.rows.length);
  }

  /** Restarts an ended run, or completes steps that it left in flight. */
  private goesOnAfterEnd(): boolean {
    const { random, conditions } = this;
    const left = inFlight(this.run).filter(
      ({ kind }) => kind === "function" || kind === "workflow",
    );
    if (conditions.restarts > 0 && random.chance(0.3)) {
      conditions.restarts--;
      this.restart();
      return true;
    }
    if (left.length === 0) return conditions.restarts > 0;
    this.coverage.hit("completed after the end");
    const row = random.pick(left);
    const transaction = new MemoryTransaction(this.run, this.now());
    transaction.complete(this.run.rows.indexOf(row), ownOutcome(row));
    this.run = transaction.run;
    return this.goesOnAfterEnd();
  }

  private restart() {
    const before = this.run;
    const transaction = new MemoryTransaction(before, this.now());
    const from = this.random.below(before.rows.length + 1);
    transaction.restart(from);
    this.edits?.restarted(from);
    this.run = transaction.run;
    this.restarted = true;
    this.coverage.hit("restarted");
    for (const [stepNumber, row] of this.run.rows.entries()) {
      if (row.unstarted) this.coverage.hit("started again");
      if (before.rows[stepNumber]!.delivery && !row.delivery)
        this.coverage.hit("result arrived anew");
    }
  }

  private countTurn(before: MemoryRun, { run }: Turn) {
    const waited = before.rows.filter((row) => row.outcome && !row.delivery);
    const delivered = run.rows.filter(
      (row, at) => row.delivery && !before.rows[at]?.delivery,
    );
    const isNew = (row: JournalEntry) =>
      run.rows.indexOf(row) >= before.rows.length;
    if (delivered.length > 1) this.coverage.hit("turn of several results");
    if (
      waited.length > 0 &&
      delivered.some((row) => isNew(row) && row.kind === "function")
    )
      this.coverage.hit("inline before waiting results");
    if (delivered.some((row) => isNew(row) && row.kind === "event"))
      this.coverage.hit("event sent before awaited");
  }

  private countCompletion(now: number) {
    const times = this.run.rows.flatMap((row) => row.completedAt ?? []);
    if (times.includes(now)) this.coverage.hit("completed at the same time");
    if (times.some((time) => time > now))
      this.coverage.hit("completed before the one before");
  }

  private countEnd() {
    const { end } = this.run;
    if (end?.kind === "heldBack") this.coverage.hit("held back to the end");
    if (this.run.rows.some((row) => isHeldBack(row) && row.delivery))
      this.coverage.hit("held back, then delivered");
    if (end?.kind === "stuck") this.coverage.hit("waits for no step");
    if (end?.kind === "returned" || end?.kind === "threw")
      this.coverage.hit(end.kind);
    if (inFlight(this.run).length > 0)
      this.coverage.hit("in flight at the end");
  }
}
