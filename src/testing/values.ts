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

/** Arguments that make the functions in `steps` run the scripts of `scriptSteps`. */
export const callArgs = { name: "value" };

/** Every kind of step, by name. Each runs the script of `scriptSteps`. */
export const stepKinds: [
  string,
  (step: WorkflowCtx, args?: object, options?: object) => Promise<unknown>,
][] = [
  [
    "query",
    (step, args, options) =>
      step.runQuery(steps.query, { ...callArgs, ...args }, options),
  ],
  [
    "mutation",
    (step, args, options) =>
      step.runMutation(steps.mutation, { ...callArgs, ...args }, options),
  ],
  [
    "action",
    (step, args, options) =>
      step.runAction(steps.action, { ...callArgs, ...args }, options),
  ],
  [
    "inline query",
    (step, args, options) =>
      step.runQuery(
        steps.query,
        { ...callArgs, ...args },
        { ...options, inline: true },
      ),
  ],
  [
    "inline mutation",
    (step, args, options) =>
      step.runMutation(
        steps.mutation,
        { ...callArgs, ...args },
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
/** The kinds that call a function. */
export const functionKinds = stepKinds.slice(0, 5);

/** Makes every kind of step return what `body` returns, or throw what it throws. Counts its calls. */
export function scriptSteps(body: () => unknown) {
  const calls = { count: 0 };
  const counted = () => {
    calls.count++;
    return body();
  };
  for (const kind of ["query", "mutation", "action"] as const)
    script(kind, "value", counted);
  script("handler", "value", async () => counted());
  return calls;
}

/**
 * The message of the error with which a step fails. Expects that the handler can catch it, that every execution sees
 * the same message, that the run continues, and that the step's result can be stored.
 */
export async function caughtMessage(
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
