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

interface Options {
  /** Called whenever a case's handler is. */
  onTurn?: () => void;
  /** Of every manager, whatever the cases say. */
  maxParallelism?: number;
}

/** The workflows of all cases, defined by one release's managers: one each, as a case may have options. */
export function defineWorkflows(
  Manager: typeof WorkflowManager,
  { onTurn = () => {}, ...options }: Options = {},
) {
  const define = (handler: Handler, maxParallelism?: number) =>
    new Manager(components.workflow, {
      workpoolOptions: { maxParallelism, ...options },
    })
      .define({ args })
      .handler(async (step, given) => await handler(step, given));
  const workflows: Record<string, unknown> = {};
  for (const [name, handler] of Object.entries(children))
    workflows[name] = define(handler);
  for (const which of cases)
    workflows[exportName(which)] = define((step, given) => {
      onTurn();
      return which.handler(step, given);
    }, which.maxParallelism);
  return workflows;
}
