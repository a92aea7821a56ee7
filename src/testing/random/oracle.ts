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
import { outcomeOf } from "./work.js";

/** What only the recorded journal can tell: everything else is foretold. */
export interface Given {
  runId: string;
  /** The numbers of the steps whose results were delivered, in the order in which they were. */
  delivered: number[];
  /** What a step brought: an event wait say, or a function that was kept from its end. */
  outcomeOf(stepNumber: number): Outcome | undefined;
  /** When a step was started; undefined for a step that was not. */
  startedAt(stepNumber: number): number | undefined;
  /** Whether the new code of an edit is executed, which begins after `asked` steps. Absent: the old code is. */
  takesNew?(edit: number, asked: number): boolean;
}

export interface ForetoldStep {
  kind:
    "query" | "mutation" | "action" | "workflow" | "event" | "sleep" | "patch";
  name: string;
  input?: WorkInput;
  inline: boolean;
  outcome?: Outcome;
}

export interface Foretold {
  steps: ForetoldStep[];
  /** How many steps had been asked for when the nth result was delivered. */
  issuedAt: number[];
  /** Inline steps not yet delivered when the nth result was: the numbers. */
  inlineDueAt: number[][];
  end:
    | { kind: "returned"; value: ProgramResult }
    | { kind: "threw"; message: string }
    | { kind: "blocked" };
}

/**
 * What a handler must do when results come in a given order: found by running it once from its
 * beginning to its end, with ordinary promises that are settled in that order, each when the
 * handler can do nothing more. Nothing is replayed and no engine takes part.
 */
export async function foretell(program: Node, given: Given): Promise<Foretold> {
  return await new Oracle(given).run(program);
}

interface Asked extends ForetoldStep {
  settle: () => void;
}

class Oracle {
  private readonly asked: Asked[] = [];
  private readonly delivered = new Set<number>();

  constructor(private readonly given: Given) {}

  async run(program: Node): Promise<Foretold> {
    const { given } = this;
    let end: Foretold["end"] = { kind: "blocked" };
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
    await nothingMoreHappens();
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
      await nothingMoreHappens();
    }
    return { steps: this.asked, issuedAt, inlineDueAt, end };
  }

  private inlineDue(): number[] {
    return this.asked.flatMap(({ inline }, stepNumber) =>
      inline && !this.delivered.has(stepNumber) ? [stepNumber] : [],
    );
  }

  /** New code begins with a patch. */
  private takesNew(edit: number): boolean {
    if (!this.given.takesNew?.(edit, this.asked.length)) return false;
    void this.ask({ kind: "patch", name: patchId(edit), inline: false });
    return true;
  }

  private context(): WorkflowCtx {
    const call =
      (kind: ForetoldStep["kind"]) =>
      (_ref: unknown, { input }: { input: WorkInput }, options: Options) =>
        this.ask({
          kind,
          name: options.name,
          input,
          inline: options.inline ?? false,
          outcome: outcomeOf(input.plan),
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

  private ask(step: ForetoldStep): Promise<unknown> {
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
const nothingMoreHappens = () =>
  new Promise<void>((resolve) => setImmediate(() => resolve()));

/** The numbers of a run's `Math.random`, as the contract has them. */
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
