import type { Node } from "./program.js";
import type { Random } from "./random.js";

/** Far longer than a workpool job takes to start. */
const UNIT_MS = 20_000;

/**
 * Slows a program down, so that the order of results doesn't depend on how steps are executed. The
 * program also no longer depends on the ids of runs.
 */
export function paced(program: Node, random: Random): Node {
  const left = Array.from({ length: 30 }, (_, at) => UNIT_MS * (at + 1));
  const duration = () => left.splice(random.below(left.length), 1)[0] ?? 1;
  const pace = (node: Node): Node => {
    switch (node.do) {
      case "sleep":
        return { ...node, ms: duration() };
      case "event":
        // Nobody sends this event.
        return { ...node, timeout: duration() };
      case "child":
        return { ...node, program: pace(node.program) };
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
        return pace(random.chance(0.5) ? node.low : node.high);
      default:
        return withChildren(node, pace);
    }
  };
  return pace(program);
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
