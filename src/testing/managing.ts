import type {
  FunctionArgs,
  FunctionReference,
  GenericDataModel,
  GenericMutationCtx,
  WithoutSystemFields,
} from "convex/server";
import { afterEach, beforeEach, vi } from "vitest";
import * as client from "../client/index.js";
import type { WorkflowId } from "../client/index.js";
import { internal as component } from "../component/_generated/api.js";
import type { DataModel, Doc } from "../component/_generated/dataModel.js";
import { internal } from "./app/_generated/api.js";
import type { Handler } from "./app/scripts.js";
import {
  components,
  inComponent,
  inPart,
  journal,
  script,
  workflows,
  type Backend,
} from "./harness.js";

const { workflow } = components;

export const cancel = (t: Backend, id: WorkflowId) =>
  t.mutation((ctx) => client.cancel(ctx, workflow, id));

export const restart = (
  t: Backend,
  id: WorkflowId,
  options?: Parameters<typeof client.restart>[3],
) => t.mutation((ctx) => client.restart(ctx, workflow, id, options));

export const cleanup = (t: Backend, id: WorkflowId) =>
  t.mutation((ctx) => client.cleanup(ctx, workflow, id));

/** Calls an internal function of the component, as only the component and its workpool can. */
export async function callInternal<
  Mutation extends FunctionReference<"mutation", "internal">,
>(t: Backend, mutation: Mutation, args: FunctionArgs<Mutation>) {
  return await inComponent(t, (ctx) => ctx.runMutation(mutation, args));
}

/** Returns the names of the workpool's jobs that weren't canceled. */
export async function jobs(t: Backend): Promise<string[]> {
  const dropped = await poolRows(t, "pendingCancelation");
  const ids = new Set(dropped.map(({ workId }) => workId as string));
  const work = await poolRows(t, "work");
  return work
    .filter(({ _id, canceled }) => !canceled && !ids.has(_id as string))
    .map(({ fnName }) => fnName as string);
}

/** Returns the workpool's config. */
export async function poolConfig(t: Backend) {
  const [globals] = await poolRows(t, "globals");
  return globals as { maxParallelism: number; logLevel: string };
}

/** Returns the rows of one of the workpool's tables. */
export const poolRows = (t: Backend, table: string) =>
  inPart(t, "workflow/workpool", (ctx) => ctx.db.query(table).collect());

/** Counts the rows of each table of the component, and omits empty tables. */
export async function rowCounts(t: Backend): Promise<Record<string, number>> {
  const tables = ["workflows", "steps", "events", "onCompleteFailures"];
  return await inComponent(t, async (ctx) => {
    const found: Record<string, number> = {};
    for (const table of tables as (keyof DataModel)[]) {
      const { length } = await ctx.db.query(table).collect();
      if (length > 0) found[table] = length;
    }
    return found;
  });
}

/** Creates a promise that the test resolves. */
export function gate<T = unknown>() {
  let open!: (value: T) => void;
  const passed = new Promise<T>((resolve) => (open = resolve));
  return { open, passed };
}

/**
 * Collects warnings and errors instead of printing them. It ignores messages about failed
 * handlers.
 */
export function listenToConsole(): { said: string[] } {
  const heard = { said: [] as string[] };
  const listen = (...args: unknown[]) => {
    const line = args.map(String).join(" ");
    if (!/^Workflow \S+ \(".*"\) fails: /.test(line)) heard.said.push(line);
  };
  beforeEach(() => {
    heard.said = [];
    vi.spyOn(console, "warn").mockImplementation(listen);
    vi.spyOn(console, "error").mockImplementation(listen);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return heard;
}

type NewRow<Table extends keyof DataModel> = WithoutSystemFields<Doc<Table>>;

/** Inserts a run's row. It is in progress unless `fields` has a `runResult`. */
export async function insertRun(
  t: Backend,
  fields: Partial<NewRow<"workflows">> = {},
): Promise<WorkflowId> {
  const id = await inComponent(t, (ctx) =>
    ctx.db.insert("workflows", {
      name: "workflows:workflow",
      workflowHandle: "function://;workflows:workflow",
      args: { handler: "main" },
      generationNumber: 0,
      engineVersion: 1,
      ...fields,
    }),
  );
  return id as string as WorkflowId;
}

/** Inserts steps into a run's journal. By default, they are completed and delivered in order. */
export async function insertSteps(
  t: Backend,
  id: WorkflowId,
  { from, to }: { from: number; to: number },
  changes: (stepNumber: number) => {
    row?: Partial<NewRow<"steps">>;
    step?: Partial<Doc<"steps">["step"]>;
  } = () => ({}),
) {
  await inComponent(t, async (ctx) => {
    for (let stepNumber = from; stepNumber < to; stepNumber++) {
      const { row, step } = changes(stepNumber);
      await ctx.db.insert("steps", {
        workflowId: id as never,
        stepNumber,
        delivery: { order: stepNumber, issued: stepNumber + 1 },
        step: {
          kind: "function",
          functionType: "mutation",
          handle: "function://;steps:echo",
          name: "steps:echo",
          args: { value: stepNumber },
          argsSize: 9,
          inProgress: false,
          runResult: { kind: "success", returnValue: stepNumber },
          startedAt: 0,
          completedAt: stepNumber,
          ...step,
        } as Doc<"steps">["step"],
        ...row,
      });
    }
  });
}

type OnEnd = (
  ctx: GenericMutationCtx<GenericDataModel>,
  ended: client.OnCompleteArgs,
) => unknown;

/** Starts a run whose `onComplete` the test has scripted. */
export async function startWithOnComplete(
  t: Backend,
  handler: Handler,
  onEnd: OnEnd,
): Promise<WorkflowId> {
  script("handler", "main", handler);
  script("mutation", "onEnd", onEnd);
  const options = { onComplete: internal.managed.onEnd, context: "its own" };
  return await t.mutation((ctx) =>
    client.start(ctx, workflows.workflow, { handler: "main" }, options),
  );
}

/** Reports that the job that executes a run's first step has crashed. It is the step's own job or the driver's. */
export async function reportDeath(
  t: Backend,
  id: WorkflowId,
  execution: "driver" | "pool",
  error = "Worker died",
) {
  const [row] = await journal(t, id);
  const { workId = "its job" } = row!.step as { workId?: string };
  const report = {
    workId: workId as never,
    result: { kind: "failed" as const, error },
  };
  const run = { workflowId: id as never, generationNumber: 0 };
  if (execution === "pool")
    await callInternal(t, component.pool.actionOnComplete, {
      ...report,
      context: { ...run, stepNumber: 0 },
    });
  else
    await callInternal(t, component.driving.onComplete, {
      ...report,
      context: { ...run, driver: 1 },
    });
}
