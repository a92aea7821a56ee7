/** The types that the demo's parts share. */
import type { RunResult } from "@convex-dev/workflow";
import type { CallResponse } from "../../tools/local-backend/backend/types.mjs";

/** A step as `listSteps` returns it. A step that runs a workflow also has that run's steps. */
export interface Step {
  id: string;
  number: number;
  name: string;
  kind: "function" | "workflow" | "event" | "sleep" | "patch";
  startedAt: number;
  /** Absent while it is in flight. */
  completedAt?: number;
  result?: RunResult;
  /** Present if the step is a retried action. */
  attempt?: number;
  maxAttempts?: number;
  /** The steps of the nested run. */
  steps: Step[];
}

export type State =
  "queued" | "inProgress" | "completed" | "failed" | "canceled";

/** A run as it was last read. */
export interface Run {
  /** Its name on the screen. */
  label: string;
  /** What the run demonstrates, and how its waits were shortened. */
  note: string;
  state: State;
  workflowId?: string;
  /** The command that starts it. */
  command?: string;
  startedAt?: number;
  endedAt?: number;
  result?: unknown;
  error?: string;
  steps: Step[];
  /** Describes key `a` while the run waits for an answer. */
  answer?: string;
  /** When the demo answers by itself, if it does. */
  answersAt?: number;
  /** Whether it ended as it should. */
  asExpected?: boolean;
}

/** A change in the form that `--json` prints. */
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
  /** The scenarios to run. If empty, all of them. */
  names: string[];
  plain: boolean;
  json: boolean;
  fail: boolean;
  help: boolean;
}

/** The messages to and from the engine's thread. */
export type Question = { number: number; path: string; args: object };
export type Answer =
  | { isReady: true }
  | { warning: string }
  | { number: number; response: CallResponse };

/** Calls a function of the app, as `npx convex run` does. */
export type Call = (path: string, args: object) => Promise<any>;

/** A run to start, and its expected result. */
export interface Scenario {
  /** The module of its workflow, which you pass on the command line. */
  name: string;
  label: string;
  note: string;
  start: { path: string; args: object };
  /** Whether the run keeps the workpool busy for long. It then starts after the others have ended. */
  isLarge?: boolean;
  /** The fields that its final status must contain. */
  expected: object;
  /** A person's answer when the run waits for an event. */
  answer?: {
    /** The name of the event's step. If absent, any event. */
    event?: string;
    label: string;
    /** Whether the demo answers if nobody presses the key. Default: true. */
    byItself?: boolean;
    /** Returns the function to call. */
    call: (
      call: Call,
      workflowId: string,
    ) => Promise<{ path: string; args: object }>;
  };
  /** Tells key `r` where to restart the run. Default: from step 0. */
  restartArgs?: object;
}
