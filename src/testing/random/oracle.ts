import { setImmediate } from "node:timers";
import { ConvexError, type Value } from "convex/values";
import type { WorkflowCtx } from "../../client/index.js";
import type { Outcome } from "../../shared/outcome.js";
import { describeFailure } from "../../shared/failures.js";
import {
  interpret,
  patchId,
  type ProgramResult,
  type WorkInput,
} from "./interpret.js";
import type { Node } from "./program.js";
import { outcomeOf, refusalOf } from "./work.js";

/** The facts that only the recorded journal has. The oracle predicts everything else. */
export interface Given {
  runId: string;
  /** The numbers of the steps whose results were delivered, in order. */
  delivered: number[];
  /** Returns the outcome of a step such as an event wait, or of a function that a fault ended. */
  outcomeOf(stepNumber: number): Outcome | undefined;
  /** Returns a step's start time, or undefined if it wasn't started. */
  startedAt(stepNumber: number): number | undefined;
  /** Whether to execute an edit's new code after `asked` steps. If absent, the old code runs. */
  takesNew?(edit: number, asked: number): boolean;
}

export interface PredictedStep {
  kind:
    "query" | "mutation" | "action" | "workflow" | "event" | "sleep" | "patch";
  name: string;
  input?: WorkInput;
  inline: boolean;
  outcome?: Outcome;
}

export interface Prediction {
  steps: PredictedStep[];
  /** The number of steps asked for before the nth result was delivered. */
  issuedAt: number[];
  /** The numbers of the inline steps that weren't delivered before the nth result. */
  inlineDueAt: number[][];
  end:
    | { kind: "returned"; value: ProgramResult }
    | { kind: "threw"; message: string }
    | { kind: "blocked" };
}

/**
 * Predicts a handler's behavior for a given order of results. It runs the handler once with ordinary
 * promises, and settles them in that order, each when the handler is blocked. It doesn't use replay or
 * the engine.
 */
export async function predict(
  program: Node,
  given: Given,
): Promise<Prediction> {
  return await new Oracle(given).run(program);
}

interface Asked extends PredictedStep {
  settle: () => void;
}

class Oracle {
  private readonly asked: Asked[] = [];
  private readonly delivered = new Set<number>();

  constructor(private readonly given: Given) {}

  async run(program: Node): Promise<Prediction> {
    const { given } = this;
    let end: Prediction["end"] = { kind: "blocked" };
    interpret(program, this.context(), {
      now: () => given.startedAt(this.asked.length) ?? 0,
      random: randomOf(given.runId),
      hostCall: () => Promise.resolve(),
      takesNew: (edit) => this.takesNew(edit),
    }).then(
      (value) => (end = { kind: "returned", value }),
      (error: unknown) =>
        (end = { kind: "threw", message: describeFailure(error).error }),
    );
    const issuedAt: number[] = [];
    const inlineDueAt: number[][] = [];
    await quiescence();
    for (const stepNumber of given.delivered) {
      issuedAt.push(this.asked.length);
      inlineDueAt.push(this.inlineDue());
      const step = this.asked[stepNumber];
      if (!step)
        throw new Error(
          `The result of step ${stepNumber} was delivered before the handler asks for it`,
        );
      if (end.kind !== "blocked")
        throw new Error(
          `The result of step ${stepNumber} was delivered after the handler ended`,
        );
      this.delivered.add(stepNumber);
      step.settle();
      await quiescence();
    }
    return { steps: this.asked, issuedAt, inlineDueAt, end };
  }

  private inlineDue(): number[] {
    return this.asked.flatMap(({ inline }, stepNumber) =>
      inline && !this.delivered.has(stepNumber) ? [stepNumber] : [],
    );
  }

  /** Asks for the patch with which new code begins. */
  private takesNew(edit: number): boolean {
    if (!this.given.takesNew?.(edit, this.asked.length)) return false;
    void this.ask({ kind: "patch", name: patchId(edit), inline: false });
    return true;
  }

  private context(): WorkflowCtx {
    const call =
      (kind: PredictedStep["kind"]) =>
      (_ref: unknown, { input, half }: CallArgs, options: Options) =>
        this.ask({
          kind,
          name: options.name,
          inline: options.inline ?? false,
          ...(half === undefined
            ? { input, outcome: outcomeOf(input.plan) }
            : { outcome: refusalOf(options.name) }),
        });
    const context = {
      workflowId: this.given.runId,
      runQuery: call("query"),
      runMutation: call("mutation"),
      runAction: call("action"),
      runWorkflow: (_ref: unknown, _args: unknown, { name }: Options) =>
        this.ask({ kind: "workflow", name, inline: false }),
      sleep: (_ms: number, { name }: Options) =>
        this.ask({ kind: "sleep", name, inline: false }),
      awaitEvent: ({ name }: Options) =>
        this.ask({ kind: "event", name, inline: false }),
    };
    return context as unknown as WorkflowCtx;
  }

  private ask(step: PredictedStep): Promise<unknown> {
    const stepNumber = this.asked.length;
    const promise = new Promise((resolve, reject) => {
      const settle = () => {
        const outcome = structuredClone(
          this.given.outcomeOf(stepNumber) ?? step.outcome,
        );
        if (step.kind === "sleep") resolve(undefined);
        else if (!outcome) reject(new Error(`No result of ${step.name}`));
        else if (outcome.result.kind === "success")
          resolve(outcome.result.returnValue);
        else reject(errorOf(outcome));
      };
      this.asked.push({ ...step, settle });
    });
    promise.catch(() => undefined);
    return promise;
  }
}

interface CallArgs {
  input: WorkInput;
  half?: string;
}

interface Options {
  name: string;
  inline?: boolean;
}

function errorOf({ result, failure }: Outcome): Error {
  const message = result.kind === "failed" ? result.error : "Canceled";
  if (failure?.name !== "ConvexError") return new Error(message);
  const error = new ConvexError(failure.data as Value);
  return Object.assign(error, { message });
}

/** Resolves when every microtask has run. */
const quiescence = () =>
  new Promise<void>((resolve) => setImmediate(() => resolve()));

/** Returns the numbers of a run's `Math.random`, as the contract defines them. */
function randomOf(runId: string): () => number {
  let seed = 0;
  for (const char of runId)
    seed = (Math.imul(seed, 31) + char.charCodeAt(0)) | 0;
  return () => {
    seed = (seed + 0x9e3779b9) | 0;
    let t = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
    t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
    t ^= t >>> 15;
    return (t >>> 0) / 2 ** 32;
  };
}
