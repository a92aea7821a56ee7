import { createFunctionHandle } from "convex/server";
import { v, ConvexError } from "convex/values";
import type { WorkflowCtx } from "../../client/index.js";
import { internal } from "../app/_generated/api.js";
import { hop } from "./hops.js";
import { isStep, type CallNode, type Node, type StepNode } from "./program.js";

const { steps, workflows } = internal;

/** The globals that a handler may use in addition to its step context. */
export interface HandlerGlobals {
  now(): number;
  random(): number;
  hostCall(): Promise<unknown>;
  /** Whether to execute an edit's new code. Absent if the code isn't edited yet. */
  takesNew?: (edit: number, step: WorkflowCtx) => boolean;
}

/** Reads the globals on each call, because a handler has its own. */
export const GLOBALS: HandlerGlobals = {
  now: () => Date.now(),
  random: () => Math.random(),
  hostCall: () => createFunctionHandle(steps.echo as never),
};

export interface ProgramResult {
  value: string;
  log: string;
}

/** The script name of the app's step functions and nested handlers. */
export const WORK = "work";
export const PROGRAM = "program";

/** Executes a program as a handler. */
export async function interpret(
  program: Node,
  step: WorkflowCtx,
  globals: HandlerGlobals = GLOBALS,
): Promise<ProgramResult> {
  const interpreter = new Interpreter(step, globals);
  const value = await interpreter.evaluate(program);
  return { value, log: interpreter.log.join(" ") };
}

class Interpreter {
  /** Results that all branches have seen so far. Later steps pass them as arguments. */
  readonly log: string[] = [];
  private readonly held = new Map<number, Promise<unknown>>();
  private hostCalls: Promise<void> = Promise.resolve();
  private readonly gates = new Map<number, Gate>();

  constructor(
    private readonly step: WorkflowCtx,
    private readonly globals: HandlerGlobals,
  ) {}

  async evaluate(node: Node): Promise<string> {
    switch (node.do) {
      case "call":
      case "sleep":
      case "event":
      case "child":
        return this.note(`${node.id}`, await this.issue(node));
      case "seq": {
        let last = "none";
        for (const inner of node.nodes) last = await this.evaluate(inner);
        return last;
      }
      case "combine":
        return this.note(node.how, await this.combine(node));
      case "try":
        return await this.attempt(node);
      case "hops":
        await hop(node.style, node.count);
        return "hopped";
      case "detach":
        void this.begin(node);
        return "detached";
      case "hold":
        this.held.set(node.slot, this.begin(node));
        return "held";
      case "join":
        return this.note(`slot${node.slot}`, await this.held.get(node.slot));
      case "wait":
        await this.gate(node.gate).opened;
        return this.note(`gate${node.gate}`, "open");
      case "open":
        this.gate(node.gate).open();
        return "opened";
      case "generate": {
        let last = "none";
        for await (const value of this.generate(node.nodes)) last = value;
        return last;
      }
      case "fork":
        return await this.evaluate(
          this.globals.random() < 0.5 ? node.low : node.high,
        );
      case "edit": {
        const isNew = this.globals.takesNew?.(node.id, this.step) ?? false;
        return await this.evaluate(isNew ? node.now : node.old);
      }
      case "host":
        for (let n = 0; n < node.count; n++) await this.callHost();
        return "called";
      case "throw":
        throw thrownBy(node);
    }
  }

  private note(what: string, value: unknown): string {
    const text = textOf(value);
    this.log.push(`${what}=${text}`);
    change(value);
    return text;
  }

  private async combine(node: Node & { do: "combine" }): Promise<unknown> {
    const members = node.members.map((member) =>
      isStep(member) ? this.issue(member) : this.evaluate(member),
    );
    switch (node.how) {
      case "all":
        return await Promise.all(members);
      case "race":
        return await Promise.race(members);
      case "any":
        return await Promise.any(members);
      case "allSettled": {
        const settled = await Promise.allSettled(members);
        return settled.map((member) =>
          member.status === "fulfilled"
            ? member.value
            : `!${describeError(member.reason)}`,
        );
      }
    }
  }

  private async attempt(node: Node & { do: "try" }): Promise<string> {
    try {
      return await this.evaluate(node.body);
    } catch (error) {
      this.note("caught", describeError(error));
      return node.recover ? await this.evaluate(node.recover) : "caught";
    } finally {
      if (node.after) await this.evaluate(node.after);
    }
  }

  /** Returns a step's promise unwrapped, so that nothing awaits it. */
  private begin({ body, late }: { body: Node; late?: boolean }) {
    if (isStep(body)) return this.issue(body);
    const branch = this.evaluate(body);
    if (!late) branch.catch(() => undefined);
    return branch;
  }

  /**
   * Makes one host call at a time, and makes each take longer than the other branches. The duration of a
   * host call differs between backends and must not decide which branch continues first.
   */
  private callHost() {
    const called = this.hostCalls
      .then(() => this.globals.hostCall())
      .then(() => hop("await", 1000));
    this.hostCalls = called;
    return called;
  }

  private gate(number: number): Gate {
    let gate = this.gates.get(number);
    if (!gate) this.gates.set(number, (gate = new Gate()));
    return gate;
  }

  private async *generate(nodes: Node[]) {
    for (const node of nodes) yield await this.evaluate(node);
  }

  private issue(node: StepNode): Promise<unknown> {
    const { step } = this;
    const name = stepName(node);
    switch (node.do) {
      case "call":
        return this.call(node, name);
      case "sleep":
        return step.sleep(node.ms, { name });
      case "event":
        return step.awaitEvent({
          name,
          validator: v.any(),
          timeout: node.timeout,
        });
      case "child":
        return step.runWorkflow(
          workflows.workflow,
          // Passed as a string, because programs may be nested deeper than values.
          { handler: PROGRAM, input: JSON.stringify(node.program) },
          { name },
        );
    }
  }

  private call(node: CallNode, name: string): Promise<unknown> {
    const { step } = this;
    const half = node.unstorable && HALF_A_CHARACTER;
    const args = { name: WORK, input: this.inputOf(node), half };
    const unstableArgs = node.unstable;
    const inline = node.inline;
    switch (node.kind) {
      case "query":
        return step.runQuery(steps.query, args, { name, unstableArgs, inline });
      case "mutation":
        return step.runMutation(steps.mutation, args, {
          name,
          unstableArgs,
          inline,
        });
      case "action":
        return step.runAction(steps.action, args, {
          name,
          unstableArgs,
          retry: retryOf(node),
        });
    }
  }

  private inputOf({ plan, shows = [], unstable }: CallNode): WorkInput {
    return {
      workflowId: this.step.workflowId,
      plan,
      seen: shows.includes("log") ? this.log.join(" ") : undefined,
      at: shows.includes("time") ? this.globals.now() : undefined,
      dice: shows.includes("random") ? this.globals.random() : undefined,
      noise: unstable ? noise++ : undefined,
    };
  }
}

/** The arguments of a step's function. */
export interface WorkInput {
  workflowId: string;
  plan: CallNode["plan"];
  seen?: string;
  at?: number;
  dice?: number;
  noise?: number;
}

/** Differs on every replay, unlike everything else here. */
let noise = 0;

class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

const HALF_A_CHARACTER = "\ud800";

export const patchId = (edit: number) => `edit${edit}`;

export const stepName = (node: StepNode): string =>
  node.do === "event" ? node.name : `${node.do}${node.id}`;

export const retryOf = ({ plan }: CallNode) =>
  plan.failures === undefined
    ? false
    : { maxAttempts: plan.failures + 1, initialBackoffMs: 10, base: 2 };

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  return typeof value === "string"
    ? value
    : (JSON.stringify(value) ?? "undefined");
}

/** Modifies a value that the handler received, which it may do because the value is its own copy. */
function change(value: unknown) {
  if (Array.isArray(value)) value.unshift("changed");
  else if (typeof value === "object" && value !== null)
    Object.assign(value, { changed: true });
}

function thrownBy({ id, what }: Node & { do: "throw" }): unknown {
  switch (what) {
    case undefined:
      return new Error(`thrown ${id}`);
    case "text":
      return `thrown ${id}`;
    case "null":
      return null;
    case "object":
      return { thrown: id };
    case "number":
      return id;
  }
}

function describeError(error: unknown): string {
  if (error instanceof ConvexError) {
    const text = `data ${textOf(error.data)}`;
    change(error.data);
    return text;
  }
  return error instanceof Error ? error.message : textOf(error);
}
