import { v } from "convex/values";
import type { WorkflowCtx } from "../../../../context.js";
import type * as client from "../../../../index.js";
import type { WorkflowManager } from "../../../../manager.js";
import { functions } from "../app/_generated/api.js";

/** A release's client and the manager of the handler's workflow. */
export interface Package {
  client: typeof client;
  manager: WorkflowManager;
}

/**
 * Uses nothing but the step context, which it also passes as `ctx` to its release's functions. It is
 * deterministic, given the results of its steps.
 */
export type Handler = (
  step: WorkflowCtx,
  args: any,
  release: Package,
) => Promise<unknown>;

type Given = Record<string, unknown>;

// Steps named by their label. By default, they also return their label. None of these functions is
// async, because that would add microtasks between a step and its handler.

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

/** Waits for `count` microtasks. */
export async function hops(count: number) {
  for (let hop = 0; hop < count; hop++) await Promise.resolve();
}

/** Returns the first line of an error's message. Further lines may name files. */
export function message(error: unknown): string {
  const [first = ""] = String((error as Error).message).split("\n");
  return first.replace(/^(Uncaught )?(Error: )*/, "");
}
