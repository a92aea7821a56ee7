/** The messages between a deployment and the threads that run its functions. */
import type { CompiledModule } from "../../../moduleScripts.mjs";
import type { Invocation, Outcome } from "../functionRun.mjs";
import type { JSONValue } from "../types.mjs";

/** Sent once to each thread, before the first function of the bundle. */
export interface BundleMessage {
  id: number;
  modules: [path: string, module: CompiledModule][];
}

export interface StartMessage extends Pick<
  Invocation,
  "kind" | "modulePath" | "name" | "method" | "argsJson"
> {
  bundle: number;
  /** Undefined if time is real. */
  now: number | undefined;
  seed: number;
  maxCodeMs: number | undefined;
}

/** Lets a function's code run until it waits for the host. */
export interface ContinueMessage {
  function: number;
  bundle?: BundleMessage;
  /** Present when the function starts. */
  start?: StartMessage;
  replies: { request: number; args: any[] }[];
  /** The time left for the code. */
  codeMs: number | undefined;
}

export interface EndMessage {
  ended: number;
}

export type ToThread = ContinueMessage | EndMessage;

/** A function's request to its host, which doesn't block the thread. */
export type Request = { id: number } & (
  | { kind: "call"; name: string; argsJson: string }
  | { kind: "sleep"; ms: number }
  | { kind: "fetch"; request: string; body: Uint8Array | undefined }
);

export interface ThrownError {
  /** The name of its class in errors.mjs. */
  name: string;
  message: string;
  data?: JSONValue;
}

/** The function's code has paused, because it waits for the host or has ended. */
export interface PauseMessage {
  type: "pause";
  requests: Request[];
  outcome?: Outcome;
  error?: ThrownError;
  codeMs: number | undefined;
}

export interface PrintMessage {
  type: "print";
  lines: [level: string, message: string][];
}

/** The thread blocks until it has the answer. */
export interface QuestionMessage {
  type: "question";
  what: "syscall" | "env";
  args: string[];
}

export type FromThread = { function: number } & (
  PauseMessage | PrintMessage | QuestionMessage
);

export type Answer = { result: string | undefined } | { error: ThrownError };

export type ToNodeThread =
  | { type: "analyze"; file: string }
  | {
      type: "run";
      file: string;
      name: string;
      argsJson: string;
      env: Record<string, string>;
    }
  | {
      type: "reply";
      id: number;
      result?: string;
      error?: { message: string; data: JSONValue | undefined };
    };

export type FromNodeThread =
  | { type: "analyzed"; functions: any[]; error?: undefined }
  | { type: "analyzed"; error: string }
  | { type: "call"; id: number; name: string; argsJson: string }
  | { type: "print"; level: string; message: string }
  | { type: "settled"; outcome: Outcome };
