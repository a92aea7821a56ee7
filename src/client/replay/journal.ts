import type { Outcome } from "../../shared/outcome.js";

export type StepKind = "function" | "workflow" | "event" | "sleep";
export type FunctionKind = "query" | "mutation" | "action";

/** What a handler asks for by calling a method of its step context. */
export interface StepRequest {
  kind: StepKind;
  /** Of functions only. */
  functionType?: FunctionKind;
  name: string;
  args: Record<string, unknown>;
  /** The arguments may differ from the journal's on replay. */
  unstableArgs: boolean;
  /** Run inside the turn's own transaction. */
  inline: boolean;
  /** What the handler gets of a recorded value; an error thrown here is what it gets instead. */
  parse?: (value: unknown) => unknown;
}

/** Where a result was shown to the handler: as the `order`th of all, when `issued` steps had been asked for. */
export interface Delivery {
  order: number;
  issued: number;
}

/**
 * Which result of a step in flight can matter to a handler that is blocked. `all`: a failure, or
 * the last success of its group; `allSettled`: the last result of the group; `any`: a success, or
 * the last failure of the group.
 */
export interface Interest {
  wakes: "always" | "never" | "all" | "allSettled" | "any";
  group?: number;
}

/** One recorded step. Its place in the journal is its number. */
export interface JournalEntry {
  stepId: string;
  kind: StepKind;
  functionType?: FunctionKind;
  name: string;
  args: Record<string, unknown>;
  /** The arguments could not be stored, and are not compared. */
  argsOmitted: boolean;
  startedAt: number;
  /** Of the whole row, until a turn has shown its result. */
  bytes: number;
  /** Present together: the step is completed. */
  outcome?: Outcome;
  completedAt?: number;
  /** Present: the result was shown there, and is again. */
  delivery?: Delivery;
  /** A turn that showed it died, when so many results had been shown: others are to be shown before it. */
  heldBack?: { shown: number; error: string };
  /** As the last turn left it. */
  interest: Interest;
  /** Kept by a restart, to be started again by this turn. */
  unstarted: boolean;
}

export const sameInterest = (a: Interest, b: Interest) =>
  a.wakes === b.wakes && a.group === b.group;
