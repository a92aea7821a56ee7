import type * as client from "@convex-dev/workflow";
import type { WorkflowCtx } from "@convex-dev/workflow";
import { v, type ObjectType } from "convex/values";
import { progress } from "./progress.js";
import { components, steps, workflows } from "./references.js";

const args = {
  n: v.number(),
  kind: v.optional(
    v.union(v.literal("query"), v.literal("mutation"), v.literal("action")),
  ),
  inline: v.optional(v.boolean()),
  bytes: v.optional(v.number()),
  ms: v.optional(v.number()),
  failures: v.optional(v.number()),
  progress: v.optional(v.boolean()),
};
export type ProgramArgs = ObjectType<typeof args>;
type Program = (step: WorkflowCtx, args: ProgramArgs) => Promise<number>;

/** The workflows of the app, defined with a release of the package. */
export function defineWorkflows({ WorkflowManager }: typeof client) {
  const { workflow } = components;
  const usual = new WorkflowManager(workflow);
  const wide = new WorkflowManager(workflow, {
    workpoolOptions: { maxParallelism: 100 },
  });
  const define = (manager: typeof usual, program: Program) =>
    manager.define({
      args,
      handler: async (step, args): Promise<number> => {
        const result = await program(step, args);
        progress.finished++;
        return result;
      },
    });
  return {
    sequential: define(usual, sequential),
    parallel: define(usual, parallel),
    wide: define(wide, parallel),
    branches: define(wide, branches),
    children: define(wide, children),
    /** Defined separately, because the end of a child isn't the end of the run. */
    child: usual.define({ args, handler: sequential }),
    events: define(usual, events),
    sleeps: define(usual, sleeps),
    failing: define(usual, failing),
    retried: define(usual, retried),
  };
}

const sequential: Program = async (step, args) => {
  const results = [];
  for (let i = 0; i < args.n; i++) {
    if (args.progress) step.setProgress({ done: i, total: args.n });
    results.push(await runStep(step, args, i));
  }
  return checksum(results);
};

const parallel: Program = async (step, args) =>
  checksum(await Promise.all(each(args.n, (i) => runStep(step, args, i))));

/** Each of three steps, one after another. */
const branches: Program = async (step, args) => {
  const branch = async (i: number) => {
    let last: number | string = 0;
    for (let part = 0; part < 3; part++) last = await runStep(step, args, i);
    return last;
  };
  return checksum(await Promise.all(each(args.n, branch)));
};

/** Each runs one step. */
const children: Program = async (step, { n, kind }) =>
  checksum(
    await Promise.all(
      each(n, async (i) => {
        await step.runWorkflow(workflows["child"]!, { n: 1, kind });
        return i;
      }),
    ),
  );

const events: Program = async (step, { n }) => {
  const values: number[] = [];
  for (let i = 0; i < n; i++)
    values.push(
      await step.awaitEvent({ name: `event ${i}`, validator: v.number() }),
    );
  return checksum(values);
};

const sleeps: Program = async (step, { n, ms = 0 }) => {
  for (let i = 0; i < n; i++) await step.sleep(ms);
  return n;
};

/** Every step fails, and the handler catches the error. */
const failing: Program = async (step, { n }) => {
  let caught = 0;
  for (let i = 0; i < n; i++)
    await step.runMutation(steps.failing, { i }).catch((error: Error) => {
      if (error.message.includes(`step ${i} fails`)) caught++;
    });
  return caught;
};

const RETRY = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };

/** The first attempts of every step fail: one, or as many as `failures`. */
const retried: Program = async (step, { n, failures = 1 }) => {
  const results = [];
  for (let i = 0; i < n; i++)
    results.push(
      await step.runAction(steps.flaky, { i, failures }, { retry: RETRY }),
    );
  return checksum(results);
};

function runStep(
  step: WorkflowCtx,
  { kind, inline, bytes, ms }: ProgramArgs,
  i: number,
): Promise<number | string> {
  const given = {
    i,
    ...(bytes === undefined ? {} : { bytes }),
    ...(ms === undefined ? {} : { ms }),
  };
  switch (kind) {
    case "query":
      return step.runQuery(steps.query, given);
    case "action":
      return step.runAction(steps.action, given);
    default:
      return inline
        ? step.runMutation(steps.mutation, given, { inline: true })
        : step.runMutation(steps.mutation, given);
  }
}

const each = <T>(n: number, body: (i: number) => Promise<T>) =>
  Array.from({ length: n }, (_, i) => body(i));

/** Differs if a result is missing, wrong or out of order. */
export const checksum = (results: (number | string)[]): number =>
  results.reduce<number>(
    (sum, result, i) =>
      sum + (i + 1) * (typeof result === "string" ? result.length : result),
    0,
  );
