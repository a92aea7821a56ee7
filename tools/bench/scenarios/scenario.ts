import type { WorkflowId, WorkflowStatus } from "@convex-dev/workflow";
import { progress } from "../app/progress.js";
import { runs } from "../app/references.js";
import type { ProgramArgs } from "../app/workflows.js";
import type { Backend } from "../backend.js";
import { clock } from "../clock.js";
import { measure, type Measured } from "../measuring.js";

/** A measured scenario, with its own backend for each size. */
export interface Scenario {
  name: string;
  description: string;
  sizes: number[];
  /** The sizes for `--quick`. */
  quickSizes: number[];
  /** Measures in windows. Throws if a result is wrong. */
  run(n: number, measuring: Measuring): Promise<void>;
}

export type WindowName = "start" | "run" | "after";

/** The operations that a scenario performs on its backend. */
export class Measuring {
  readonly windows: { window: WindowName; measured: Measured }[] = [];

  constructor(readonly backend: Backend) {}

  async window(window: WindowName, body: () => Promise<void>) {
    this.windows.push({ window, measured: await measure(body) });
  }

  /** Starts a run, measures until its handler returns, then until no work remains. */
  async wholeRun(
    name: string,
    args: ProgramArgs,
    result: number,
  ): Promise<WorkflowId> {
    let workflowId: WorkflowId;
    await this.window("run", async () => {
      workflowId = await this.start(name, args);
      await this.untilFinished(1);
    });
    await this.window("after", () => this.rest());
    await this.checkCompleted(workflowId!, result);
    return workflowId!;
  }

  async start(name: string, args: ProgramArgs): Promise<WorkflowId> {
    return (await this.backend.mutation(runs.start, {
      name,
      args,
    })) as WorkflowId;
  }

  /** Runs until handlers have returned or nothing is scheduled. Check the results afterwards. */
  async untilFinished(count: number) {
    await clock.runUntil(() => progress.finished >= count, LONGEST_MS);
  }

  /** Runs until no scheduled work remains. */
  async rest() {
    await clock.runUntil(() => false, LONGEST_MS);
  }

  async status(workflowId: WorkflowId): Promise<WorkflowStatus> {
    return (await this.backend.query(runs.status, {
      workflowId,
    })) as WorkflowStatus;
  }

  async checkCompleted(workflowId: WorkflowId, result: number) {
    const status = await this.status(workflowId);
    switch (status.type) {
      case "completed":
        return expectEqual("the run's result", status.result, result);
      case "failed":
        throw new Error(`The run failed: ${status.error}`);
      default:
        throw new Error(`The run is ${status.type}, not completed`);
    }
  }
}

const LONGEST_MS = 60 * 60 * 1000;

export function expectEqual(what: string, found: unknown, expected: unknown) {
  if (found !== expected)
    throw new Error(
      `Wrong: ${what} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`,
    );
}

/** The expected result of a program whose steps each return their own number. */
export const sumOfSteps = (n: number) => weighted(n, (i) => i);

/** The same if each step returns a text of `bytes` bytes. */
export const sumOfBytes = (n: number, bytes: number) =>
  weighted(n, () => bytes);

function weighted(n: number, valueOf: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (i + 1) * valueOf(i);
  return sum;
}
