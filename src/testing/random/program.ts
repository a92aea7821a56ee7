/**
 * A handler as plain data, so that it can be generated, printed, shrunk and passed to a nested run.
 * Ids are unique within a program: a node is executed at most once in a run.
 */
export type Node =
  | CallNode
  | SleepNode
  | EventNode
  | ChildNode
  | { do: "seq"; nodes: Node[] }
  /** Steps among the members are given to the combinator as they are, everything else as a branch. */
  | { do: "combine"; how: Combination; members: Node[] }
  | { do: "try"; body: Node; recover?: Node; after?: Node }
  | { do: "hops"; style: HopStyle; count: number }
  /** Started and never awaited. `late`: nothing handles its rejection before that. */
  | { do: "detach"; body: Node; late?: boolean }
  /** Started here, awaited where the `join` of the same slot is, if it gets there. */
  | { do: "hold"; slot: number; body: Node; late?: boolean }
  | { do: "join"; slot: number }
  /** Branches that wait for each other by something that is not a step. */
  | { do: "wait"; gate: number }
  | { do: "open"; gate: number }
  /** An async generator that yields the value of each node, read by `for await`. */
  | { do: "generate"; nodes: Node[] }
  /** Goes one way or the other by `Math.random()`. */
  | { do: "fork"; low: Node; high: Node }
  /** Code that was changed while runs were under way. */
  | { do: "edit"; id: number; old: Node; now: Node }
  /** Host calls of the handler's own, one after the other. */
  | { do: "host"; count: number }
  | { do: "throw"; id: number; what?: OddThrow };

export type StepNode = CallNode | SleepNode | EventNode | ChildNode;
export type Combination = "all" | "allSettled" | "race" | "any";
/** What code may throw that is no Error. */
export type OddThrow = "text" | "null" | "object" | "number";
export type HopStyle = "await" | "then" | "thenable" | "generator" | "nested";

export interface CallNode {
  do: "call";
  id: number;
  kind: "query" | "mutation" | "action";
  plan: Plan;
  inline?: boolean;
  /** What its arguments hold beside its plan. */
  shows?: ("log" | "time" | "random")[];
  /** The arguments hold something else on every replay. */
  unstable?: boolean;
}

export interface SleepNode {
  do: "sleep";
  id: number;
  ms: number;
}

export interface EventNode {
  do: "event";
  id: number;
  name: string;
  timeout?: number;
}

export interface ChildNode {
  do: "child";
  id: number;
  program: Node;
}

/** What a step's function does: its outcome is a function of this and nothing else. */
export interface Plan {
  id: number;
  ends: "ok" | "fail" | "convexError" | "nonRetryable";
  /** Attempts that fail before the last, which ends as `ends` says. Of actions with retries. */
  failures?: number;
  /** Milliseconds that an action takes. */
  ms?: number;
  /** The name of an event that a mutation sends to the run that it is a step of. */
  sends?: string;
}

export const isStep = (node: Node): node is StepNode =>
  node.do === "call" ||
  node.do === "sleep" ||
  node.do === "event" ||
  node.do === "child";

/** The nodes directly inside a node. A nested run's program is not: it is another handler. */
export function childrenOf(node: Node): Node[] {
  switch (node.do) {
    case "seq":
    case "generate":
      return node.nodes;
    case "combine":
      return node.members;
    case "try":
      return [node.body, node.recover, node.after].filter(
        (inner) => inner !== undefined,
      );
    case "detach":
    case "hold":
      return [node.body];
    case "fork":
      return [node.low, node.high];
    case "edit":
      return [node.old, node.now];
    default:
      return [];
  }
}

/** A node and everything in it, nested runs' programs left out. */
export function* everyNode(node: Node): Generator<Node> {
  yield node;
  for (const inner of childrenOf(node)) yield* everyNode(inner);
}
