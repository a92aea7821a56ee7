/**
 * A handler as plain data, so that a test can generate, print and shrink it, and pass it to a nested run.
 * Ids are unique within a program, because a node executes at most once in a run.
 */
export type Node =
  | CallNode
  | SleepNode
  | EventNode
  | ChildNode
  | { do: "seq"; nodes: Node[] }
  /** Passes steps to the combinator directly, and everything else as a branch. */
  | { do: "combine"; how: Combination; members: Node[] }
  | { do: "try"; body: Node; recover?: Node; after?: Node }
  | { do: "hops"; style: HopStyle; count: number }
  /** Starts a node and never awaits it. With `late`, nothing handles its rejection earlier. */
  | { do: "detach"; body: Node; late?: boolean }
  /** Starts a node, which the `join` with the same slot awaits, if it is reached. */
  | { do: "hold"; slot: number; body: Node; late?: boolean }
  | { do: "join"; slot: number }
  /** Waits for another branch without a step. */
  | { do: "wait"; gate: number }
  | { do: "open"; gate: number }
  /** Reads an async generator, which yields each node's value, with `for await`. */
  | { do: "generate"; nodes: Node[] }
  /** Chooses a branch with `Math.random()`. */
  | { do: "fork"; low: Node; high: Node }
  /** Code that changed during runs. */
  | { do: "edit"; id: number; old: Node; now: Node }
  /** Makes the handler's own host calls, one after another. */
  | { do: "host"; count: number }
  | { do: "throw"; id: number; what?: OddThrow };

export type StepNode = CallNode | SleepNode | EventNode | ChildNode;
export type Combination = "all" | "allSettled" | "race" | "any";
/** Thrown values that aren't an Error. */
export type OddThrow = "text" | "null" | "object" | "number";
export type HopStyle = "await" | "then" | "thenable" | "generator" | "nested";

export interface CallNode {
  do: "call";
  id: number;
  kind: "query" | "mutation" | "action";
  plan: Plan;
  inline?: boolean;
  /** Further data in its arguments, besides its plan. */
  shows?: ("log" | "time" | "random")[];
  /** The arguments differ on every replay. */
  unstable?: boolean;
  /** The arguments can't be stored, so the step is refused. */
  unstorable?: boolean;
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

/** The plan of a step's function, which alone determines its outcome. */
export interface Plan {
  id: number;
  ends: "ok" | "fail" | "convexError" | "nonRetryable";
  /** For actions with retries, the failed attempts before the last, which ends as in `ends`. */
  failures?: number;
  /** The duration of an action in milliseconds. */
  ms?: number;
  /** The name of an event that a mutation sends to its own run. */
  sends?: string;
}

export const isStep = (node: Node): node is StepNode =>
  node.do === "call" ||
  node.do === "sleep" ||
  node.do === "event" ||
  node.do === "child";

/** Returns the direct children of a node. Excludes a nested run's program, which is another handler. */
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

/** Iterates over a node and everything in it, except nested runs' programs. */
export function* everyNode(node: Node): Generator<Node> {
  yield node;
  for (const inner of childrenOf(node)) yield* everyNode(inner);
}
