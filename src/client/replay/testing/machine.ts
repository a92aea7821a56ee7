import { setImmediate } from "node:timers/promises";
import type { Outcome } from "../../../shared/outcome.js";
import type { JournalEntry, StepRequest } from "../journal.js";
import { Replay } from "../replay.js";
import {
  isEmpty,
  type InlineTurn,
  type NewStep,
  type TurnEnd,
  type TurnLimits,
  type TurnRecord,
} from "../turn.js";

export const RUN = "run1";

export const succeeded = (returnValue: unknown): Outcome => ({
  result: { kind: "success", returnValue },
});
export const failed = (error: string): Outcome => ({
  result: { kind: "failed", error },
});

/** Creates a journal entry. By default, it is a mutation step in flight. */
export function entry(
  name: string,
  given: Partial<JournalEntry> = {},
): JournalEntry {
  return {
    stepId: `step ${name}`,
    kind: "function",
    functionType: "mutation",
    name,
    args: {},
    argsOmitted: false,
    startedAt: 0,
    bytes: 100,
    condition: { wakes: "always" },
    unstarted: false,
    ...given,
  };
}

/** Creates a completed entry that no turn has delivered yet. */
export const completed = (
  name: string,
  completedAt: number,
  outcome: Outcome = succeeded(name),
): JournalEntry => entry(name, { outcome, completedAt });

export type Ask = (
  name: string,
  request?: Partial<StepRequest>,
) => Promise<unknown>;
export type Handler = (ask: Ask, replay: Replay) => Promise<unknown>;

/** Executes turns over a journal in memory, without a backend. */
export class Machine {
  time = 0;
  limits: TurnLimits = {
    newSteps: Infinity,
    newBytes: Infinity,
    deliveries: Infinity,
    deliveredBytes: Infinity,
  };
  /** The maximum number of inline steps in one turn. */
  inlineRoom = Infinity;
  /** Simulates a cancel or a restart during a turn. */
  fenced = false;
  /** Everything that the handler and the inline steps did, in order, over all turns. */
  readonly log: string[] = [];
  readonly records: TurnRecord[] = [];

  constructor(
    readonly handler: Handler,
    readonly journal: JournalEntry[] = [],
  ) {}

  /** Returns an inline step's outcome, or null if the step needs its own transaction. */
  inlineOutcome: (request: StepRequest, turn: InlineTurn) => Outcome | null = ({
    name,
  }) => succeeded(name);
  /** Returns the outcome of a step that completes as soon as it is recorded. */
  outcomeAtOnce: (step: NewStep) => Outcome | undefined = () => undefined;

  async turn(): Promise<TurnEnd> {
    const journal = structuredClone(this.journal);
    const replay: Replay = new Replay(RUN, journal, {
      now: this.time,
      resume: async (begin) => {
        begin();
        await setImmediate();
      },
      hostCall: () => Promise.resolve(),
      runInline: async (request, turn) => {
        if (turn.inlineSteps > 0 && turn.inlineSteps >= this.inlineRoom)
          return null;
        this.log.push(`run ${request.name}`);
        const outcome = this.inlineOutcome(request, turn);
        return outcome && { outcome, isFenced: false };
      },
      limits: this.limits,
      record: async (record) => this.record(record),
    });
    const ask: Ask = (name, request = {}) =>
      replay.request({
        kind: "function",
        functionType: "mutation",
        name,
        args: {},
        unstableArgs: false,
        inline: false,
        ...request,
      });
    return await replay.run(() => this.handler(ask, replay));
  }

  complete(name: string, outcome: Outcome = succeeded(name)) {
    const step = this.journal.find((step) => step.name === name)!;
    step.outcome = outcome;
    step.completedAt = this.time;
  }

  private record(record: TurnRecord): JournalEntry[] | null {
    if (isEmpty({ ...record, end: undefined })) return [];
    if (this.fenced) return null;
    this.records.push(record);
    for (const { stepNumber, delivery } of record.deliveries)
      this.journal[stepNumber]!.delivery = delivery;
    for (const { stepNumber, condition } of record.waits)
      this.journal[stepNumber]!.condition = condition;
    return record.steps.map((step) => structuredClone(this.write(step)));
  }

  private write(step: NewStep): JournalEntry {
    const { request, stepNumber, startedAt, condition, completed } = step;
    const { kind, functionType, name, args } = request;
    const outcome = completed?.outcome ?? this.outcomeAtOnce(step);
    const written = entry(name, {
      stepId: step.stepId ?? `step ${stepNumber}`,
      kind,
      functionType,
      args,
      startedAt,
      condition,
      outcome,
      completedAt: outcome && (completed?.completedAt ?? this.time),
      delivery: completed?.delivery,
    });
    if (step.stepId === undefined && stepNumber !== this.journal.length)
      throw new Error(
        `Step ${stepNumber} was written where ${this.journal.length} was due`,
      );
    this.journal[stepNumber] = written;
    return written;
  }
}

/** Summarizes the journal, with each step's delivery. */
export const written = (machine: Machine) =>
  machine.journal.map(({ name, delivery }) =>
    delivery ? `${name} ${delivery.order}@${delivery.issued}` : name,
  );
