import { vi } from "vitest";
import * as client from "../../../client/index.js";
import type { WorkflowId } from "../../../client/index.js";
import { internal } from "../../../component/_generated/api.js";
import type { Doc } from "../../../component/_generated/dataModel.js";
import {
  advance,
  components,
  drain,
  inComponent,
  rows,
  steps,
  workflows,
  type Backend,
} from "../../harness.js";
import { PROGRAM } from "../interpret.js";
import type { Node } from "../program.js";
import type { Random } from "../random.js";

export const CONTEXT = "the end";

/** A way of executing steps. */
export interface Execution {
  name: string;
  /** Sets up a new backend for it. */
  prepare(t: Backend): Promise<void>;
}

/** Executes each function step in its own workpool job. */
export const poolExecution: Execution = {
  name: "pool",
  prepare: (t) => switchExecution(t, "pool"),
};

/** Executes chains of steps in one job. */
export const driverExecution: Execution = {
  name: "driver",
  prepare: (t) => switchExecution(t, "driver"),
};

/** Changes how steps are executed, including those of current runs. */
export async function switchExecution(
  t: Backend,
  execution: "driver" | "pool",
) {
  await inComponent(t, (ctx) =>
    ctx.runMutation(internal.utils.updateConfig, { execution }),
  );
}

/** Starts a run of a program. `onComplete` is called with `CONTEXT`. */
export async function startProgram(
  t: Backend,
  program: Node,
  options: client.RunStartOptions & { startAsync: boolean },
): Promise<WorkflowId> {
  return await t.mutation((ctx) =>
    client.start(
      ctx,
      workflows.workflow,
      { handler: PROGRAM, input: JSON.stringify(program) },
      { ...options, onComplete: steps.ended, context: CONTEXT },
    ),
  );
}

export interface RunHooks {
  /** Called between timers. */
  meanwhile?: () => Promise<void>;
  /** Called before all timers are drained, because runs may be stuck while watchdogs check them forever. */
  rescue?: () => Promise<void>;
  /** Wraps calls from outside. */
  call?: <T>(body: () => Promise<T>) => Promise<T>;
}

/** Lets runs continue until all have ended, and sometimes sends them events. */
export async function runUntilEnded(
  t: Backend,
  random: Random,
  { meanwhile, rescue, call = (body) => body() }: RunHooks = {},
) {
  const send = (workflowId: string, name: string) =>
    call(() => sendTo(t, workflowId, name));
  let early = 2;
  for (let rounds = 1; ; rounds++) {
    if (rounds > 500) throw new Error("The runs never end");
    // Sometimes let all long waits pass at once.
    const atRest = rounds % 15 === 0;
    if (atRest) await rescue?.();
    await (atRest ? drain() : advance(random.pick([20, 200, 1000])));
    await meanwhile?.();
    const going = await unended(t);
    if (going.length === 0) return;
    const [next, ...others] = await waitsForEvents(t, going);
    if (early > 0 && random.chance(0.3)) {
      early--;
      await send(random.pick(going), random.pick(["e0", "e1"]));
    } else if (next && random.chance(0.4)) {
      const { workflowId, step } = random.pick([next, ...others]);
      await send(workflowId, step.name);
    } else if (atRest && next) {
      await send(next.workflowId, next.step.name);
    } else if (atRest && vi.getTimerCount() === 0) {
      throw new Error(await describeHang(t, going));
    }
  }
}

async function unended(t: Backend) {
  const runs = await rows(t, "workflows");
  return runs.filter(({ runResult }) => !runResult).map(({ _id }) => _id);
}

async function waitsForEvents(
  t: Backend,
  going: string[],
): Promise<Doc<"steps">[]> {
  const runs = new Set(going);
  return (await rows(t, "steps")).filter(
    ({ step, workflowId }) =>
      step.inProgress && step.kind === "event" && runs.has(workflowId),
  );
}

let sent = 0;

async function sendTo(t: Backend, workflowId: string, name: string) {
  const event = {
    workflowId: workflowId as WorkflowId,
    name,
    value: `sent ${sent++}`,
  };
  await t.mutation((ctx) => client.sendEvent(ctx, components.workflow, event));
}

async function describeHang(t: Backend, going: string[]) {
  const inFlight = (await rows(t, "steps")).filter(
    ({ step }) => step.inProgress,
  );
  const names = inFlight.map(
    ({ step, workflowId }) => `${step.name} of ${workflowId}`,
  );
  return `Runs ${going.join()} hang: nothing is due, in flight are ${names.join() || "none"}`;
}
