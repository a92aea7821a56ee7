import { v } from "convex/values";
import type { WorkflowManager } from "../../../../manager.js";
import { cases, exportName } from "../cases.js";
import type { Handler } from "../handlers/calls.js";
import { children } from "../handlers/nested.js";
import { components } from "./_generated/api.js";

const argument = v.optional(v.number());
const args = {
  value: argument,
  start: argument,
  a: argument,
  b: argument,
  n: argument,
  stride: argument,
  items: argument,
  workers: argument,
};

/** The workflows of all cases, defined by one release's manager. One a case, since a case may have options. */
export function defineWorkflows(
  Manager: typeof WorkflowManager,
  onTurn: () => void = () => {},
) {
  const define = (handler: Handler, maxParallelism?: number) =>
    new Manager(
      components.workflow,
      maxParallelism ? { workpoolOptions: { maxParallelism } } : undefined,
    )
      .define({ args })
      .handler(async (step, given) => {
        return await handler(step, given);
      });
  const entries = cases.map((each) => [
    exportName(each),
    define((step, given) => {
      onTurn();
      return each.handler(step, given);
    }, each.maxParallelism),
  ]);
  for (const [name, handler] of Object.entries(children))
    entries.push([name, define(handler)]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}
