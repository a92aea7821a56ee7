import { v } from "convex/values";
import type { WorkflowCtx } from "../../../../context.js";
import type * as client from "../../../../index.js";
import type { WorkflowManager } from "../../../../manager.js";
import { functions } from "../app/_generated/api.js";

/** One release's client, and the manager of the handler's workflow. */
export interface Package {
  client: typeof client;
  manager: WorkflowManager;
}

/**
 * Uses nothing but the step context, also as the ctx of its own release's functions, and is
 * deterministic given the results of its steps.
 */
export type Handler = (
  step: WorkflowCtx,
  args: any,
  release: Package,
) => Promise<unknown>;

type Given = Record<string, unknown>;

// Steps named by their label. What they return is their label, too, unless told otherwise. None of
// these is async: each would put a microtask between a step and its handler.

export const mutate = (
  step: WorkflowCtx,
  name: string,
  given: Given = {},
  options: object = {},
): Promise<any> =>
  step.runMutation(
    functions.mutate,
    { value: name, ...given },
    { name, ...options },
  );

export const read = (
  step: WorkflowCtx,
  name: string,
  given: Given = {},
  options: object = {},
): Promise<any> =>
  step.runQuery(
    functions.read,
    { value: name, ...given },
    { name, ...options },
  );

export const act = (
  step: WorkflowCtx,
  name: string,
  given: Given = {},
  options: object = {},
): Promise<any> =>
  step.runAction(
    functions.act,
    { value: name, ...given },
    { name, ...options },
  );

export const awaitNamed = (step: WorkflowCtx, name: string): Promise<any> =>
  step.awaitEvent({ name, validator: v.any() });

/** Lets so many microtasks pass. */
export async function hops(count: number) {
  for (let hop = 0; hop < count; hop++) await Promise.resolve();
}

/** What was thrown, without what depends on where: the rest of the text may name files. */
export function message(error: unknown): string {
  const [first = ""] = String((error as Error).message).split("\n");
  return first.replace(/^(Uncaught )?(Error: )*/, "");
}
