import type {
  FunctionReference,
  FunctionType,
  TransactionLimits,
} from "convex/server";
import type { Outcome } from "../../shared/outcome.js";
import type { RetryBehavior } from "../../shared/retry.js";

export type AnyRef = FunctionReference<FunctionType, "public" | "internal">;

export type StepKind = "function" | "workflow" | "event" | "sleep" | "patch";
export type FunctionKind = "query" | "mutation" | "action";

/** A handler's call of a method of its step context, with everything that starts the step. */
export interface StepRequest {
  kind: StepKind;
  /** Only for functions. */
  functionType?: FunctionKind;
  name: string;
  args: Record<string, unknown>;
  /** The arguments may differ from the journal's on replay. */
  unstableArgs?: boolean;
  /** Run inside the turn's own transaction. */
  inline?: boolean;
  /** Converts a recorded value for the handler. If this throws, the handler gets the error. */
  parse?: (value: unknown) => unknown;
  /** The function or workflow to run. */
  target?: AnyRef;
  retry?: boolean | RetryBehavior;
  runAt?: number;
  runAfter?: number;
  transactionLimits?: TransactionLimits;
  /** For event waits. */
  timeoutMs?: number;
  /** This step starts a run, so the target has to be a workflow. */
  startsRun?: boolean;
  /** The handler's call, for the log, if it may reject. */
  caller?: Error;
}

/** When a result was delivered: as the `order`th of all results, after the handler had issued `issued` steps. */
export interface Delivery {
  order: number;
  issued: number;
}

/**
 * Which result of a step in flight can matter to a handler that is blocked. `all`: a failure, or
 * the last success of its group; `allSettled`: the last result of the group; `any`: a success, or
 * the last failure of the group.
 */
export interface WakeCondition {
  wakes: "always" | "never" | "all" | "allSettled" | "any";
  group?: number;
}

/** One recorded step. Its index in the journal is its number. */
export interface JournalEntry {
  stepId: string;
  kind: StepKind;
  functionType?: FunctionKind;
  name: string;
  args: Record<string, unknown>;
  /** The arguments couldn't be stored, so they aren't compared. */
  argsOmitted?: boolean;
  startedAt: number;
  /** The size of the row, or 0 once a turn has delivered its result. */
  bytes: number;
  /** Present together with `completedAt` once the step is completed. */
  outcome?: Outcome;
  completedAt?: number;
  /** If present, the result was delivered there, so every replay delivers it there. */
  delivery?: Delivery;
  /** A turn crashed when it delivered this result after `shown` others. More results are delivered first. */
  heldBack?: { shown: number; error: string };
  /** The condition that the last turn recorded. */
  condition: WakeCondition;
  /** A restart kept the step, and this turn starts it again. */
  unstarted?: boolean;
}

/** Keeps the stack of the handler's call for the log, if the step may fail. */
export function rememberCaller(request: StepRequest, entry?: JournalEntry) {
  if (request.inline || entry?.outcome?.result.kind === "failed")
    request.caller = new Error();
}

/** Whether an entry is a call of `step.patched` with this id. */
export const isPatch = ({ kind, name }: JournalEntry, id: string) =>
  kind === "patch" && name === id;

export const sameCondition = (a: WakeCondition, b: WakeCondition) =>
  a.wakes === b.wakes && a.group === b.group;
