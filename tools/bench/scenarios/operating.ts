import { runs } from "../app/references.js";
import { program } from "./programs.js";
import { expectEqual, type Measuring, type Scenario } from "./scenario.js";

// Start options that only this package has, compared with none, and its operations on many runs. Divide by n.

const DAY = 24 * 60 * 60_000;
const STEP = { kind: "mutation", n: 1 } as const;
const SIZES = { sizes: [32], quickSizes: [32] };

const OPTIONS: Record<string, (index: number) => object> = {
  nothing: () => ({}),
  "a key": (index) => ({ key: `order ${index}` }),
  "a deadline": () => ({ timeout: DAY }),
  "a retention": () => ({ retention: { completed: 1000 } }),
  "all three": (index) => ({
    key: `order ${index}`,
    timeout: DAY,
    retention: { completed: 1000 },
  }),
};

export const operating: Scenario[] = [
  program({
    name: "sequential with progress",
    description: "n mutation steps, each after a setProgress",
    workflow: "sequential",
    args: { kind: "mutation", progress: true },
    sizes: [100],
    quickSizes: [20],
  }),
  ...Object.entries(OPTIONS).map(([what, options]) => ({
    name: `start with ${what}`,
    description: `n runs of one mutation step, each started with ${what}, until all is at rest (0.4.8 ignores these options)`,
    ...SIZES,
    run: (n: number, measuring: Measuring) => startEach(n, measuring, options),
  })),
  {
    name: "start with a key that a run has",
    description: "n times, which returns that run's id",
    ...SIZES,
    run: async (n, measuring) => {
      const [first] = await startWaiting(1, measuring, { key: "order" });
      await measuring.window("run", async () => {
        for (const id of await startWaiting(n, measuring, { key: "order" }))
          expectEqual("the run with the key", id, first);
      });
    },
  },
  {
    name: "cancelMany",
    description: "n runs that each wait for an event, in batches of 32",
    ...SIZES,
    run: async (n, measuring) => {
      await startWaiting(n, measuring);
      await measuring.window("run", () =>
        inBatches(n, measuring, runs.cancelMany),
      );
    },
  },
  {
    name: "restartMany",
    description: "n canceled runs, which then wait for the same event again",
    ...SIZES,
    run: async (n, measuring) => {
      await startWaiting(n, measuring);
      await inBatches(n, measuring, runs.cancelMany);
      await measuring.window("run", async () => {
        await inBatches(n, measuring, runs.restartMany);
        await measuring.rest();
      });
    },
  },
  {
    name: "cleanupMany",
    description: "n canceled runs of one step",
    ...SIZES,
    run: async (n, measuring) => {
      await startWaiting(n, measuring);
      await inBatches(n, measuring, runs.cancelMany);
      await measuring.window("run", async () => {
        await inBatches(n, measuring, runs.cleanupMany);
        await measuring.rest();
      });
    },
  },
  {
    name: "list by status",
    description: "one page of n runs among twice as many",
    ...SIZES,
    run: async (n, measuring) => {
      await startWaiting(n, measuring);
      await inBatches(n, measuring, runs.cancelMany);
      await startWaiting(n, measuring);
      await measuring.window("run", async () => {
        const filter = { status: "canceled", cursor: null, numItems: n };
        const { page } = await measuring.backend.query(runs.list, filter);
        expectEqual("how many were listed", page.length, n);
      });
    },
  },
  {
    name: "counts",
    description: "of n runs, which it reads",
    ...SIZES,
    run: async (n, measuring) => {
      await startWaiting(n, measuring);
      await measuring.window("run", async () => {
        const { inProgress } = await measuring.backend.query(runs.counts, {});
        expectEqual("how many were counted", inProgress, n);
      });
    },
  },
];

async function startEach(
  n: number,
  measuring: Measuring,
  options: (index: number) => object,
) {
  await measuring.window("run", async () => {
    for (let index = 0; index < n; index++)
      await measuring.backend.mutation(runs.start, {
        name: "sequential",
        args: STEP,
        options: options(index),
      });
    await measuring.rest();
  });
}

/** Starts runs that wait for an event. */
async function startWaiting(
  n: number,
  { backend }: Measuring,
  options: object = {},
) {
  const ids: unknown[] = [];
  const start = { name: "events", args: { n: 1 }, options };
  for (let index = 0; index < n; index++)
    ids.push(await backend.mutation(runs.start, start));
  return ids;
}

async function inBatches(
  n: number,
  { backend }: Measuring,
  operation: typeof runs.cancelMany,
) {
  let done = 0;
  for (let cursor: string | undefined | null; cursor !== null;) {
    const batch: { done: number; cursor: string | null } =
      await backend.mutation(operation, { cursor });
    done += batch.done;
    cursor = batch.cursor;
  }
  expectEqual("how many runs it changed", done, n);
}
