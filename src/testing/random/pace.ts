import type { Node } from "./program.js";
import type { Random } from "./random.js";

/** Far more than what a job of the pool takes to begin. */
const UNIT_MS = 20_000;

/**
 * A program that does the same, but in which everything that takes time takes so much that the order
 * of results does not depend on how steps are executed; and which does not depend on the ids of runs.
 */
export function slowly(program: Node, random: Random): Node {
  const left = Array.from({ length: 30 }, (_, at) => UNIT_MS * (at + 1));
  const duration = () => left.splice(random.below(left.length), 1)[0] ?? 1;
  const paced = (node: Node): Node => {
    switch (node.do) {
      case "sleep":
        return { ...node, ms: duration() };
      case "event":
        // Nobody sends it.
        return { ...node, timeout: duration() };
      case "child":
        return { ...node, program: paced(node.program) };
      case "call": {
        const { plan, shows } = node;
        return {
          ...node,
          unstable: undefined,
          shows: shows?.filter((what) => what === "log"),
          plan: {
            ...plan,
            sends: undefined,
            ms: node.kind === "action" ? duration() : undefined,
          },
        };
      }
      case "fork":
        return paced(random.chance(0.5) ? node.low : node.high);
      default:
        return withChildren(node, paced);
    }
  };
  return paced(program);
}

export function withChildren(node: Node, change: (inner: Node) => Node): Node {
  switch (node.do) {
    case "seq":
    case "generate":
      return { ...node, nodes: node.nodes.map(change) };
    case "combine":
      return { ...node, members: node.members.map(change) };
    case "try":
      return {
        ...node,
        body: change(node.body),
        recover: node.recover && change(node.recover),
        after: node.after && change(node.after),
      };
    case "detach":
    case "hold":
      return { ...node, body: change(node.body) };
    case "edit":
      return { ...node, old: change(node.old), now: change(node.now) };
    default:
      return node;
  }
}
