import { v } from "convex/values";
import type * as client from "../../../../index.js";
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
  /** Called each time a case's handler is called. */
  onTurn?: () => void;
  /** Overrides the `maxParallelism` of every case. */
  maxParallelism?: number;
}

/** Defines the workflows of all cases with one release. Each case has its own manager, because it may set options. */
export function defineWorkflows(
  release: typeof client,
  { onTurn = () => {}, ...options }: Options = {},
) {
  const define = (handler: Handler, maxParallelism?: number) => {
    const manager = new release.WorkflowManager(components.workflow, {
      workpoolOptions: { maxParallelism, ...options },
    });
    const its = { client: release, manager };
    return manager
      .define({ args })
      .handler(async (step, given) => await handler(step, given, its));
  };
  const workflows: Record<string, unknown> = {};
  for (const [name, handler] of Object.entries(children))
    workflows[name] = define(handler);
  for (const which of cases)
    workflows[exportName(which)] = define((...given) => {
      onTurn();
      return which.handler(...given);
    }, which.maxParallelism);
  return workflows;
}
