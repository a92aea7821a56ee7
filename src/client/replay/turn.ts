import type { Origin } from "../../shared/origin.js";
import type { Outcome } from "../../shared/outcome.js";
import type {
  Delivery,
  WakeCondition,
  JournalEntry,
  StepRequest,
} from "./journal.js";

/** A step that a turn records: a new one, or one that a restart kept to start again. */
export interface NewStep {
  stepNumber: number;
  request: StepRequest;
  startedAt: number;
  /** For a step that a restart kept. */
  stepId?: string;
  condition: WakeCondition;
  /** For an inline step, which is already completed when it is recorded. */
  completed?: { outcome: Outcome; completedAt: number; delivery?: Delivery };
}

/** Everything that a turn records in one call. */
export interface TurnRecord {
  steps: NewStep[];
  deliveries: { stepNumber: number; delivery: Delivery }[];
  /** The steps in flight whose wake condition changed. */
  waits: { stepNumber: number; condition: WakeCondition }[];
  /** The turn stops before it is done, so another turn is due at once. */
  hasMore: boolean;
  /** The run ends. */
  end?: RunEnd;
  /** Results that the next turns deliver, one each. */
  trials?: Trials;
}

/** Whether a turn has nothing to record. */
export const isEmpty = ({
  steps,
  deliveries,
  waits,
  hasMore,
  end,
}: TurnRecord) =>
  !steps.length && !deliveries.length && !waits.length && !hasMore && !end;

/**
 * Set after a turn crashed, or if one might. The next turn delivers only the first of `steps` as a new result, after
 * `shown` results. Without `steps`, the turn reports the available results.
 */
export interface Trials {
  shown: number;
  steps: number[];
}

/**
 * The limits of one turn. The last item may exceed a limit in bytes, so that a large one doesn't block the run. All
 * are positive until an inline step has used half of the transaction.
 */
export interface TurnLimits {
  /** Steps to start. */
  newSteps: number;
  /** Arguments of steps to start and outcomes of inline steps, in bytes. */
  newBytes: number;
  /** New deliveries, and steps in flight that are rewritten. */
  deliveries: number;
  /** The bytes of these deliveries and steps. */
  deliveredBytes: number;
}

/** The turn in which an inline step runs. */
export interface InlineTurn {
  /** The number of inline steps that this turn already ran. */
  inlineSteps: number;
  /** Steps that the turn still has to record. */
  unwritten: { steps: number; bytes: number };
}

/** An inline step that ran. */
export interface InlineRun {
  outcome: Outcome;
  /** It canceled, restarted or cleaned up its own run. Executed steps are recorded, and nothing else begins. */
  isFenced: boolean;
}

/** The environment of a replay. */
export interface TurnPorts {
  /** The time of this turn. */
  now: number;
  /** Calls `begin`, then lets the handler run until it is blocked. */
  resume(begin: () => void): Promise<void>;
  /** Makes a call to the host. */
  hostCall(): Promise<unknown>;
  /**
   * Runs an inline step. Returns null if this turn has no room for it, so the next turn runs it. The turn's first inline
   * step always has room, unless a driver's step ran in the same transaction.
   */
  runInline(request: StepRequest, turn: InlineTurn): Promise<InlineRun | null>;
  trials?: Trials;
  /** The limits may shrink during the turn. */
  readonly limits: TurnLimits;
  /**
   * Records the turn. Returns the entries of `record.steps`, or null if the run was canceled or restarted since the turn
   * began. A turn may record several times, because it continues if steps get their results at once. The last record may
   * be empty.
   */
  record(record: TurnRecord): Promise<JournalEntry[] | null>;
}

export type Settled =
  { kind: "returned"; value: unknown } | { kind: "threw"; error: unknown };

/** Executes the handler until it is blocked. A handler that isn't an async function may throw synchronously. */
export function startHandler(
  handler: () => Promise<unknown>,
  onSettled: (settled: Settled) => void,
) {
  const call = async () => await handler();
  call().then(
    (value) => onSettled({ kind: "returned", value }),
    (error: unknown) => onSettled({ kind: "threw", error }),
  );
}

/** Why a run ends. */
export type RunEnd =
  | Settled
  /** Blocked with nothing in flight that could resume it. */
  | { kind: "stuck" }
  /** Like `stuck`, except for results that leave a rejected promise without a handler. */
  | { kind: "heldBack"; entry: JournalEntry; stepNumber: number };

export type TurnEnd =
  | RunEnd
  /** Blocked until a step in flight completes. */
  | { kind: "waiting" }
  /** The journal has grown, so the handler begins again. Only under the rules of 0.4. */
  | { kind: "again" }
  /** Stopped before it was done. */
  | { kind: "yielded" }
  /** Canceled or restarted inside its own transaction. */
  | { kind: "fenced" };

/** A run's replay, seen from the handler's side. */
export interface HandlerReplay {
  /** The requests of this execution, in order. */
  readonly asked: StepRequest[];
  request(request: StepRequest): Promise<unknown>;
  /**
   * Returns true if the journal's next entry is this patch, or if there is none and `records` is set. Then the patch
   * becomes the next entry.
   */
  patched(patch: StepRequest, records: boolean): boolean;
  /** Returns the next request's recorded arguments if `args` equal them. */
  recordedArgs(args: unknown): Record<string, unknown> | undefined;
  /** The time that the handler sees. */
  now(): number;
  /** Whether the handler is past its recorded steps. */
  readonly live: boolean;
  /** The failed steps that the handler has not awaited. */
  unawaited(): NonNullable<Origin["unawaited"]>;
}
