import { expect } from "vitest";
import type { WorkflowCtx } from "../client/index.js";
import {
  journal,
  runHandler,
  script,
  steps,
  workflows,
  type Backend,
} from "./harness.js";
import { expectStorableRows } from "./storable.js";

export const KiB = 1024;
export const MiB = KiB * KiB;
/** The arguments for functions that `scriptValue` scripts. */
export const call = { name: "value" };

/** Every kind of step. Each returns the result of the script "value". */
export const kinds: [
  string,
  (step: WorkflowCtx, args?: object, options?: object) => Promise<unknown>,
][] = [
  [
    "query",
    (step, args, options) =>
      step.runQuery(steps.query, { ...call, ...args }, options),
  ],
  [
    "mutation",
    (step, args, options) =>
      step.runMutation(steps.mutation, { ...call, ...args }, options),
  ],
  [
    "action",
    (step, args, options) =>
      step.runAction(steps.action, { ...call, ...args }, options),
  ],
  [
    "inline query",
    (step, args, options) =>
      step.runQuery(
        steps.query,
        { ...call, ...args },
        { ...options, inline: true },
      ),
  ],
  [
    "inline mutation",
    (step, args, options) =>
      step.runMutation(
        steps.mutation,
        { ...call, ...args },
        { ...options, inline: true },
      ),
  ],
  [
    "nested workflow",
    (step, args, options) =>
      step.runWorkflow(
        workflows.workflow,
        { handler: "value", ...args },
        options,
      ),
  ],
];
export const functions = kinds.slice(0, 5);

/** Scripts their result or error, and counts how often they ran. */
export function scriptValue(value: () => unknown) {
  const calls = { count: 0 };
  const body = () => {
    calls.count++;
    return value();
  };
  for (const kind of ["query", "mutation", "action"] as const)
    script(kind, "value", body);
  script("handler", "value", async () => body());
  return calls;
}

/** Returns the error that the handler catches on every execution. The run continues. */
export async function caught(
  t: Backend,
  run: (step: WorkflowCtx) => Promise<unknown>,
): Promise<string> {
  const seen = new Set<unknown>();
  const { status, workflowId } = await runHandler(t, async (step) => {
    const result = await run(step).then(
      () => "no error",
      (error: Error) => error.message,
    );
    seen.add(result);
    await step.sleep(1);
    return await step.runMutation(steps.echo, { value: "went on" });
  });
  expect(status).toEqual({ type: "completed", result: "went on" });
  const [row] = await journal(t, workflowId);
  expect(row!.step.runResult).toMatchObject({ kind: "failed" });
  await expectStorableRows(t);
  expect(seen.size).toBe(1);
  return [...seen][0] as string;
}
