import type { Outcome } from "../../shared/outcome.js";

export type StepKind = "function" | "workflow" | "event" | "sleep" | "patch";
export type FunctionKind = "query" | "mutation" | "action";

/** A handler's call of a method of its step context. */
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

/** Whether an entry is a call of `step.patched` with this id. */
export const isPatch = ({ kind, name }: JournalEntry, id: string) =>
  kind === "patch" && name === id;

export const sameCondition = (a: WakeCondition, b: WakeCondition) =>
  a.wakes === b.wakes && a.group === b.group;
