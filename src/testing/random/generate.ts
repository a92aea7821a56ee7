import type {
  CallNode,
  Combination,
  HopStyle,
  Node,
  OddThrow,
  Plan,
  StepNode,
} from "./program.js";
import type { Random } from "./random.js";

export interface GeneratorOptions {
  /** The approximate number of steps. */
  steps: number;
  /** The maximum depth of nested runs. */
  children: number;
  /** Whether the arguments of some steps can't be stored. */
  refusals?: boolean;
}

const HOP_STYLES: HopStyle[] = [
  "await",
  "then",
  "thenable",
  "generator",
  "nested",
];
const COMBINATIONS: Combination[] = ["all", "allSettled", "race", "any"];
const ODD_THROWS: OddThrow[] = ["text", "null", "object", "number"];
const EVENT_NAMES = ["e0", "e1"];

/** Generates a random handler. */
export function generate(random: Random, options: GeneratorOptions): Node {
  return new Generator(random, options).program();
}

class Generator {
  private nextId = 0;
  private left: number;

  constructor(
    private readonly random: Random,
    private readonly options: GeneratorOptions,
  ) {
    this.left = options.steps;
  }

  program(): Node {
    const nodes: Node[] = [];
    do nodes.push(this.node(3));
    while (this.left > 0);
    return { do: "seq", nodes };
  }

  private node(depth: number): Node {
    const { random } = this;
    if (depth <= 0 || this.left <= 1) return this.guarded(this.step());
    switch (
      random.weighted({
        step: 5,
        seq: 4,
        combine: 5,
        attempt: 2,
        generate: 1,
        fork: 1,
        detach: 1,
        gates: 1,
        hold: 2,
        late: 1,
        host: 1,
        hang: 0.1,
      })
    ) {
      case "step":
        return this.guarded(this.step());
      case "seq":
        return this.sequence(depth);
      case "combine":
        return this.combination(depth);
      case "attempt":
        return this.attempt(depth);
      case "generate":
        return { do: "generate", nodes: this.nodes(depth, 2, 3) };
      case "fork":
        return {
          do: "fork",
          low: this.node(depth - 1),
          high: this.node(depth - 1),
        };
      case "detach":
        return {
          do: "detach",
          body: random.chance(0.6) ? this.step() : this.node(depth - 1),
        };
      case "gates":
        return this.branchesThatWait(depth);
      case "hold":
        return this.heldStep(depth);
      case "late":
        return this.lateRejection(depth);
      case "host":
        return { do: "host", count: random.between(1, 3) };
      case "hang":
        return { do: "wait", gate: this.nextId++ };
    }
  }

  private nodes(depth: number, least: number, most: number): Node[] {
    const count = this.random.between(least, most);
    return Array.from({ length: count }, () => this.node(depth - 1));
  }

  private sequence(depth: number): Node {
    const nodes = this.nodes(depth, 2, 4).flatMap((node) =>
      this.random.chance(0.4) ? [this.hops(), node] : [node],
    );
    return { do: "seq", nodes };
  }

  private hops(): Node {
    const style = this.random.pick(HOP_STYLES);
    return { do: "hops", style, count: this.random.between(1, 12) };
  }

  private combination(depth: number): Node {
    const { random } = this;
    const plain = random.chance(0.4);
    const count = random.between(2, 4);
    const members = Array.from({ length: count }, () => {
      if (plain || random.chance(0.4)) return this.step();
      const branch = this.node(depth - 1);
      // Branches need different numbers of microtasks before their next step.
      return random.chance(0.5)
        ? { do: "seq" as const, nodes: [this.hops(), branch] }
        : branch;
    });
    const how = random.pick(COMBINATIONS);
    const combine: Node = { do: "combine", how, members };
    return how === "allSettled" || random.chance(0.3)
      ? combine
      : this.recovering(combine);
  }

  private attempt(depth: number): Node {
    const { random } = this;
    const body = this.node(depth - 1);
    const throwing = this.throwing();
    return {
      do: "try",
      body: random.chance(0.3) ? { do: "seq", nodes: [body, throwing] } : body,
      recover: random.chance(0.5) ? this.node(depth - 1) : undefined,
      after: random.chance(0.2) ? this.step() : undefined,
    };
  }

  /** One branch waits for a gate that another branch opens between its own steps. */
  private branchesThatWait(depth: number): Node {
    const gate = this.nextId++;
    const waits: Node = {
      do: "seq",
      nodes: [{ do: "wait", gate }, this.guarded(this.step())],
    };
    const opens: Node = {
      do: "seq",
      nodes: [this.guarded(this.step()), { do: "open", gate }],
    };
    const more = this.random.chance(0.5) ? [this.node(depth - 1)] : [];
    return { do: "combine", how: "all", members: [waits, ...more, opens] };
  }

  private heldStep(depth: number): Node {
    const slot = this.nextId++;
    const body = this.random.chance(0.5) ? this.step() : this.node(depth - 1);
    const join: Node = { do: "join", slot };
    return {
      do: "seq",
      nodes: [
        { do: "hold", slot, body },
        this.node(depth - 1),
        this.recovering(join),
      ],
    };
  }

  private throwing(): Node {
    const what = this.random.chance(0.3)
      ? this.random.pick(ODD_THROWS)
      : undefined;
    return { do: "throw", id: this.nextId++, what };
  }

  /** A branch that may fail before anything awaits it. It has a step, whose result can be held back. */
  private lateRejection(depth: number): Node {
    const { random } = this;
    const step = this.step();
    const body: Node = random.chance(0.7)
      ? { do: "seq", nodes: [step, this.throwing()] }
      : { do: "seq", nodes: [step] };
    if (random.chance(0.3)) return { do: "detach", body, late: true };
    const slot = this.nextId++;
    const join: Node = { do: "join", slot };
    return {
      do: "seq",
      nodes: [
        { do: "hold", slot, body, late: true },
        this.node(depth - 1),
        this.recovering(join),
      ],
    };
  }

  /** Puts most steps that may fail inside a `try`. Otherwise most programs would end early. */
  private guarded(step: StepNode): Node {
    const mayFail = step.do !== "sleep";
    return mayFail && this.random.chance(0.9) ? this.recovering(step) : step;
  }

  private recovering(body: Node): Node {
    return { do: "try", body };
  }

  private step(): StepNode {
    const { random } = this;
    this.left--;
    const id = this.nextId++;
    switch (
      random.weighted({
        call: 10,
        sleep: 1,
        event: 2,
        child: this.options.children > 0 ? 1 : 0,
      })
    ) {
      case "call":
        return this.call(id);
      case "sleep":
        return { do: "sleep", id, ms: random.between(0, 400) };
      case "event":
        return {
          do: "event",
          id,
          name: random.pick(EVENT_NAMES),
          timeout: random.chance(0.4) ? random.between(0, 1000) : undefined,
        };
      case "child":
        return { do: "child", id, program: this.childProgram() };
    }
  }

  private childProgram(): Node {
    const { random, options } = this;
    return generate(random, {
      ...options,
      steps: random.between(1, 3),
      children: options.children - 1,
    });
  }

  private call(id: number): CallNode {
    const { random } = this;
    const kind = random.pick(["query", "mutation", "action"] as const);
    const inline = kind !== "action" && random.chance(0.35);
    const shows = (["log", "time", "random"] as const).filter(() =>
      random.chance(0.4),
    );
    return {
      do: "call",
      id,
      kind,
      plan: this.plan(id, kind, inline),
      inline: inline || undefined,
      shows,
      unstable: random.chance(0.1) || undefined,
      unstorable: (this.options.refusals && random.chance(0.1)) || undefined,
    };
  }

  private plan(id: number, kind: CallNode["kind"], inline: boolean): Plan {
    const { random } = this;
    const ends = random.weighted({
      ok: 8,
      fail: 1.5,
      convexError: 0.5,
      nonRetryable: kind === "action" ? 0.3 : 0,
    });
    if (kind === "action")
      return {
        id,
        ends,
        ms: random.chance(0.8) ? random.between(1, 300) : undefined,
        failures: random.chance(0.3) ? random.between(1, 3) : undefined,
      };
    const sends = kind === "mutation" && !inline && random.chance(0.1);
    return { id, ends, sends: sends ? random.pick(EVENT_NAMES) : undefined };
  }
}
