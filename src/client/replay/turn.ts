import type { Outcome } from "../../shared/outcome.js";
import type {
  Delivery,
  Interest,
  JournalEntry,
  StepRequest,
} from "./journal.js";

/** A step that a turn writes down: one asked for now, or one that a restart left to be started again. */
export interface NewStep<Request extends StepRequest = StepRequest> {
  stepNumber: number;
  request: Request;
  startedAt: number;
  /** Of a step that a restart kept. */
  stepId?: string;
  interest: Interest;
  /** Of an inline step, which is completed when it is first written. */
  completed?: { outcome: Outcome; completedAt: number; delivery?: Delivery };
}

/** What a turn writes down, in one go. */
export interface TurnRecord<Request extends StepRequest = StepRequest> {
  steps: NewStep<Request>[];
  deliveries: { entry: JournalEntry; delivery: Delivery }[];
  /** Steps in flight that are waited for otherwise than recorded. */
  waits: { entry: JournalEntry; interest: Interest }[];
  /** The turn stops with more to do: another is due at once. */
  goOn: boolean;
  /** Results that the next turns are to show, each one alone. */
  trials?: Trials;
}

/**
 * After a turn died, and where one might: a turn shows nothing new but the result of the first of
 * `steps`, when `shown` results have been. Without any it says which there are.
 */
export interface Trials {
  shown: number;
  steps: number[];
}

/** What one turn may do. At least one of each is always done, so that every turn gets on. */
export interface TurnLimits {
  /** Steps to start. */
  newSteps: number;
  /** Arguments of steps to start and outcomes of inline steps, in bytes. */
  newBytes: number;
  /** Results shown for the first time, and steps in flight rewritten. */
  shownSteps: number;
  /** Of those, the bytes. */
  shownBytes: number;
}

/** The turn in which an inline step runs. */
export interface InlineTurn {
  /** No inline step ran in it before. */
  isFirst: boolean;
  /** Steps that it has still to write down. */
  unwritten: { steps: number; bytes: number };
}

/** An inline step that has run. */
export interface InlineRun {
  outcome: Outcome;
  /** It canceled, restarted or cleaned up its own run: what was executed is written down, nothing more begins. */
  isFenced: boolean;
}

/** What a replay needs of its surroundings. */
export interface TurnPorts<Request extends StepRequest = StepRequest> {
  /** The time of this turn. */
  now: number;
  /** Lets the handler run until it is blocked, `begin` first. */
  resume(begin: () => void): Promise<void>;
  /** Null when an inline step that is not the turn's first should be tried again by the next turn. */
  runInline(request: Request, turn: InlineTurn): Promise<InlineRun | null>;
  /** Whether this turn may run one more inline step, having run `count`. */
  roomForInline(count: number): Promise<boolean> | boolean;
  trials?: Trials;
  /** They may get tighter in the course of the turn. */
  readonly limits: TurnLimits;
  /** The entries of `record.steps`; null when the run was canceled or restarted since the turn began. */
  record(record: TurnRecord<Request>): Promise<JournalEntry[] | null>;
}

export type Settled =
  { kind: "returned"; value: unknown } | { kind: "threw"; error: unknown };

export type TurnEnd =
  | Settled
  /** Blocked until a step in flight completes. */
  | { kind: "waiting" }
  /** The journal has grown: the handler begins again, over it. */
  | { kind: "again" }
  /** Stopped with more to do. */
  | { kind: "yielded" }
  /** Canceled or restarted inside its own transaction. */
  | { kind: "fenced" }
  /** Blocked with nothing in flight that could ever go on. */
  | { kind: "stuck" }
  /** As `stuck`, but for results that leave a rejected promise without a handler. */
  | { kind: "heldBack"; entry: JournalEntry; stepNumber: number };

/** A run's replay, seen from the handler's side. */
export interface Replay<Request extends StepRequest = StepRequest> {
  request(request: Request): Promise<unknown>;
  /** The arguments that the journal holds for the next request, if these are stored as that. */
  recordedArgs(args: unknown): Record<string, unknown> | undefined;
  /** The time that the handler sees. */
  now(): number;
  /** Whether the handler does what it has not done before. */
  readonly live: boolean;
  /** The numbers of failed steps that the handler has not awaited. */
  unawaited(): number[];
}
