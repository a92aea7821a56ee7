/** What the demo's parts hand to each other: types only. */
import type { RunResult } from "@convex-dev/workflow";
import type { CallResponse } from "../../tools/local-backend/backend/types.mjs";

/** A step of a run, as `listSteps` tells, and the steps of the run that it is. */
export interface Step {
  id: string;
  number: number;
  name: string;
  kind: "function" | "workflow" | "event" | "sleep" | "patch";
  startedAt: number;
  /** Absent while it is in flight. */
  completedAt?: number;
  result?: RunResult;
  /** Of a retried action. */
  attempt?: number;
  maxAttempts?: number;
  /** Of a nested run. */
  steps: Step[];
}

export type State =
  "queued" | "inProgress" | "completed" | "failed" | "canceled";

/** A run as far as the component has told of it. */
export interface Run {
  /** What it is called on the screen. */
  label: string;
  /** What was done to make it less long, and what it shows. */
  note: string;
  state: State;
  workflowId?: string;
  /** How it was started, as one would type it. */
  command?: string;
  startedAt?: number;
  endedAt?: number;
  result?: unknown;
  error?: string;
  steps: Step[];
  /** What key `a` does, while the run waits for it. */
  answer?: string;
  /** When the demo does that by itself, if it does. */
  answersAt?: number;
  /** Whether it ended as it should. */
  asExpected?: boolean;
}

/** Something that happened, as `--json` tells it. */
export type Change = { at: number; run: string } & (
  | { type: "runStarted"; workflowId: string; command: string; note: string }
  | { type: "runRestarted" }
  | {
      type: "runEnded";
      state: State;
      result?: unknown;
      error?: string;
      tookMs: number;
      asExpected: boolean;
    }
  | { type: "command"; command: string; by: "demo" | "key" }
  | ({ step: string; name: string; kind: Step["kind"] } & (
      | { type: "stepStarted" }
      | { type: "stepAttempt"; attempt: number; maxAttempts: number }
      | {
          type: "stepEnded";
          result: RunResult;
          tookMs: number;
          attempt?: number;
        }
    ))
);

export interface Options {
  /** Of scenarios. Empty: all. */
  names: string[];
  plain: boolean;
  json: boolean;
  fail: boolean;
  help: boolean;
}

/** What is said to the engine's thread, and what it says. */
export type Question = { number: number; path: string; args: object };
export type Answer =
  | { isReady: true }
  | { warning: string }
  | { number: number; response: CallResponse };

/** Calls a function of the app, as `npx convex run` does. */
export type Call = (path: string, args: object) => Promise<any>;

/** A run to be made, and what should come of it. */
export interface Scenario {
  /** By which it is asked for: the module of its workflow. */
  name: string;
  label: string;
  note: string;
  start: { path: string; args: object };
  /** Whether it would keep the pool busy for long: then it starts when the others have ended. */
  isLarge?: boolean;
  /** How `status` should tell of its end: what is there must be the same. */
  expected: object;
  /** What a person would do when the run waits for an event. */
  answer?: {
    /** Of the event, as its step is named; absent: any. */
    event?: string;
    says: string;
    /** Whether the demo does it, should nobody press the key. Default: true. */
    byItself?: boolean;
    /** The function to call, when the run waits. */
    call: (
      call: Call,
      workflowId: string,
    ) => Promise<{ path: string; args: object }>;
  };
  /** From where key `r` restarts it. Default: from step 0. */
  restartArgs?: object;
}
