import { progress } from "../app/progress.js";
import { runs } from "../app/references.js";
import { clock } from "../clock.js";
import {
  expectEqual,
  sumOfSteps,
  type Measuring,
  type Scenario,
} from "./scenario.js";

// Operations that manage runs from outside.

const INLINE = { kind: "mutation", inline: true } as const;

export const managing: Scenario[] = [
  {
    name: "cancel",
    description: "a run with n actions in flight",
    sizes: [100],
    quickSizes: [100],
    run: cancel,
  },
  {
    name: "cleanup",
    description: "a run of n steps",
    sizes: [500],
    quickSizes: [100],
    run: cleanup,
  },
  {
    name: "status",
    description: "of a run of n steps",
    sizes: [500],
    quickSizes: [100],
    run: async (n, measuring) => {
      const workflowId = await finishedRun(n, measuring);
      await measuring.window("run", async () => {
        await measuring.status(workflowId);
      });
    },
  },
  {
    name: "list of steps",
    description: "n of them, in pages of 100",
    sizes: [500],
    quickSizes: [100],
    run: async (n, measuring) => {
      const workflowId = await finishedRun(n, measuring);
      await measuring.window("run", () =>
        listAll(n, measuring, runs.listSteps, { workflowId }),
      );
    },
  },
  {
    name: "list of runs",
    description: "n of them, in pages of 100",
    sizes: [1000],
    quickSizes: [100],
    run: async (n, measuring) => {
      const start = { name: "sequential", args: { ...INLINE, n: 1 } };
      for (let started = 0; started < n; started += 100)
        await measuring.backend.mutation(runs.startMany, {
          ...start,
          count: 100,
        });
      await measuring.rest();
      await measuring.window("run", () => listAll(n, measuring, runs.list, {}));
    },
  },
];

async function cancel(n: number, measuring: Measuring) {
  const args = { kind: "action", n, ms: 60_000 } as const;
  const workflowId = await measuring.start("wide", args);
  await clock.runUntil(() => progress.actionsBegun >= n, 30_000);
  expectEqual("how many actions are in flight", progress.actionsBegun, n);
  await measuring.window("run", async () => {
    await measuring.backend.mutation(runs.cancel, { workflowId });
  });
  await measuring.window("after", () => measuring.rest());
  const { type } = await measuring.status(workflowId);
  expectEqual("the run's status", type, "canceled");
}

async function cleanup(n: number, measuring: Measuring) {
  const workflowId = await finishedRun(n, measuring);
  await measuring.window("run", async () => {
    const cleaned: unknown = await measuring.backend.mutation(runs.cleanup, {
      workflowId,
    });
    expectEqual("what cleanup returns", cleaned, true);
    await measuring.rest();
  });
}

/** Creates a finished run with inline steps, because these are quick. */
async function finishedRun(n: number, measuring: Measuring) {
  const workflowId = await measuring.start("sequential", { ...INLINE, n });
  await measuring.rest();
  await measuring.checkCompleted(workflowId, sumOfSteps(n));
  return workflowId;
}

async function listAll(
  n: number,
  { backend }: Measuring,
  list: typeof runs.list,
  of: object,
) {
  let found = 0;
  let cursor: string | null = null;
  for (;;) {
    const page: { page: unknown[]; isDone: boolean; continueCursor: string } =
      await backend.query(list, { ...of, cursor, numItems: 100 });
    found += page.page.length;
    if (page.isDone) break;
    cursor = page.continueCursor;
  }
  expectEqual("how many were listed", found, n);
}
