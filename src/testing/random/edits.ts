import type { WorkflowCtx } from "../../client/index.js";
import type { JournalEntry } from "../../client/replay/journal.js";
import type { RecordedRun } from "./backend/journals.js";
import { GLOBALS, interpret, patchId } from "./interpret.js";
import { deliveredIn } from "./memory/checks.js";
import type { Edits } from "./memory/randomRun.js";
import type { MemoryRun } from "./memory/store.js";
import { predict } from "./oracle.js";
import { withChildren } from "./pace.js";
import { everyNode, type CallNode, type Node } from "./program.js";
import type { Random } from "./random.js";

/** The first id for new nodes, higher than any program's ids. */
const FIRST_NEW_ID = 10_000;

/** Edits random parts of a program. It adds, removes, replaces or reorders steps. */
export function randomEdit(program: Node, random: Random): Node {
  const nodes = [...everyNode(program)].filter((node) => isEditable(node));
  const count = Math.min(nodes.length, random.between(1, 4));
  const chosen = new Set<Node>();
  while (chosen.size < count) chosen.add(random.pick(nodes));
  let nextId = FIRST_NEW_ID;
  const newStep = (): Node => {
    const id = nextId++;
    const call: CallNode = {
      do: "call",
      id,
      kind: random.pick(["query", "mutation", "action"]),
      plan: { id, ends: "ok" },
    };
    if (call.kind !== "action" && random.chance(0.4)) call.inline = true;
    return call;
  };
  const change = (node: Node): Node => {
    const old = edited(node);
    return random.pick<() => Node>([
      () => ({ do: "seq", nodes: [newStep(), old] }),
      () => ({ do: "seq", nodes: [old, newStep()] }),
      () => ({ do: "seq", nodes: [] }),
      newStep,
      () => ({ do: "combine", how: "all", members: [newStep(), old] }),
    ])();
  };
  const edited = (node: Node): Node => {
    if (node.do === "child") return { ...node, program: edited(node.program) };
    return node.do === "fork"
      ? { ...node, low: editOf(node.low), high: editOf(node.high) }
      : withChildren(node, editOf);
  };
  const editOf = (node: Node): Node =>
    chosen.has(node)
      ? { do: "edit", id: nextId++, old: edited(node), now: change(node) }
      : edited(node);
  return editOf(program);
}

/** Nodes to which others refer, such as slots and gates, aren't editable. */
const isEditable = (node: Node) =>
  [...everyNode(node)].every(
    ({ do: what }) => what !== "hold" && what !== "open" && what !== "detach",
  );

/** Returns the journal positions at which a run's old code has passed edits. */
export async function passedIn(
  program: Node,
  rows: JournalEntry[],
  runId: string,
): Promise<Map<number, number>> {
  const passed = new Map<number, number>();
  await predict(program, {
    runId,
    delivered: deliveredIn(rows),
    outcomeOf: (stepNumber) => rows[stepNumber]?.outcome,
    startedAt: (stepNumber) => rows[stepNumber]?.startedAt,
    takesNew: (edit, asked) => {
      passed.set(edit, asked);
      return false;
    },
  });
  return passed;
}

/** The answers that a run's patches must get. They are false if the run has recorded another step there. */
export class Answers {
  readonly given = new Map<number, boolean>();

  constructor(
    private readonly passed: Map<number, number>,
    private kept: number,
  ) {}

  /** A restart keeps the steps before `from`. */
  restarted(from: number) {
    this.kept = Math.min(this.kept, from);
    this.given.clear();
  }

  expected(edit: number): boolean {
    return (this.passed.get(edit) ?? Infinity) >= this.kept;
  }

  check(edit: number, answer: boolean): boolean {
    this.given.set(edit, answer);
    if (answer !== this.expected(edit))
      throw new WrongAnswer(
        `${patchId(edit)} is ${answer}: passed at ${this.passed.get(edit)}, ${this.kept} steps kept`,
      );
    return answer;
  }
}

export class WrongAnswer extends Error {}

/** Deploys edited code before the nth event. */
export class MemoryDeploy implements Edits {
  isFresh = false;
  answers: Answers | undefined;
  private wrong: Error | undefined;
  private events = 0;

  constructor(
    private readonly program: Node,
    private readonly runId: string,
    private readonly at: number,
  ) {}

  readonly takesNew: Edits["takesNew"] = (edit, step) => {
    const { answers } = this;
    if (!answers) return false;
    const answer = step.patched(patchId(edit));
    try {
      return answers.check(edit, answer);
    } catch (error) {
      // The handler may catch it.
      this.wrong ??= error as Error;
      return answer;
    }
  };

  async before(run: MemoryRun) {
    if (this.wrong) throw this.wrong;
    if (this.events++ !== this.at) return;
    const passed = await passedIn(this.program, run.rows, this.runId);
    this.answers = new Answers(passed, run.rows.length);
    this.isFresh = true;
  }

  restarted(from: number) {
    this.answers?.restarted(from);
  }

  /** Checks the finished run. */
  finish() {
    if (this.wrong) throw this.wrong;
  }
}

/** Deploys edited code to the runs of a backend. */
export class BackendDeploy {
  /** The positions at which each run's latest execution has passed edits. */
  private readonly latest = new Map<string, Map<number, number>>();
  private readonly answers = new Map<string, Answers>();
  private isDeployed = false;
  private wrong: Error | undefined;

  execute(step: WorkflowCtx, input: unknown) {
    const program = JSON.parse(input as string) as Node;
    const passed = new Map<number, number>();
    this.latest.set(step.workflowId, passed);
    let asked = 0;
    const counted = counting(step, () => asked++);
    return interpret(program, counted, {
      ...GLOBALS,
      takesNew: (edit) => {
        passed.set(edit, asked);
        return this.isDeployed && this.ask(step, edit);
      },
    });
  }

  private ask(step: WorkflowCtx, edit: number): boolean {
    const answer = step.patched(patchId(edit));
    try {
      return this.answersOf(step.workflowId).check(edit, answer);
    } catch (error) {
      // The handler may catch it.
      this.wrong ??= error as Error;
      return answer;
    }
  }

  /** A run that begins after the deploy hasn't passed any edit. */
  answersOf(workflowId: string): Answers {
    const known = this.answers.get(workflowId);
    if (known) return known;
    const answers = new Answers(new Map(), 0);
    this.answers.set(workflowId, answers);
    return answers;
  }

  async deploy(runs: RecordedRun[]) {
    for (const { run, entries } of runs) {
      const program = JSON.parse(run.args.input as string) as Node;
      const passed =
        run.engineVersion === undefined
          ? this.latest.get(run._id)
          : await passedIn(program, entries, run._id);
      const answers = new Answers(passed ?? new Map(), entries.length);
      this.answers.set(run._id, answers);
    }
    this.isDeployed = true;
  }

  finish() {
    if (this.wrong) throw this.wrong;
  }

  /** Forgets answers in a replay of a history, because an ended run doesn't execute again. */
  forgetGiven() {
    for (const { given } of this.answers.values()) given.clear();
  }

  given(): boolean[] {
    return [...this.answers.values()].flatMap(({ given }) => [
      ...given.values(),
    ]);
  }
}

const METHODS = new Set<string | symbol>([
  ...["runQuery", "runMutation", "runAction", "runWorkflow"],
  ...["sleep", "awaitEvent"],
]);

/** Returns a step context that calls `count` for each requested step. */
const counting = (step: WorkflowCtx, count: () => void): WorkflowCtx =>
  new Proxy(step, {
    get(target, key) {
      const member = Reflect.get(target, key) as unknown;
      if (!METHODS.has(key)) return member;
      return (...args: unknown[]) => {
        count();
        return (member as (...args: unknown[]) => unknown)(...args);
      };
    },
  });
