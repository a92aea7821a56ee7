import { progress } from "../app/progress.js";
import { runs } from "../app/references.js";
import { expectEqual, type Measuring, type Scenario } from "./scenario.js";

// n runs with one mutation step each.

const SIZES = { sizes: [500], quickSizes: [100] };

export const manyRuns: Scenario[] = [
  {
    name: "runs started one by one",
    description:
      "n runs of one mutation step, each started by a mutation of its own",
    ...SIZES,
    run: (n, measuring) => startRuns(n, measuring, 1, false),
  },
  {
    name: "runs started by the fifty",
    description:
      "n runs of one mutation step, started 50 by a mutation, with startAsync",
    ...SIZES,
    run: (n, measuring) => startRuns(n, measuring, 50, true),
  },
];

async function startRuns(
  n: number,
  measuring: Measuring,
  count: number,
  startAsync: boolean,
) {
  const start = {
    name: "sequential",
    args: { kind: "mutation", n: 1 },
    count,
    startAsync,
  };
  await measuring.window("start", async () => {
    for (let started = 0; started < n; started += count)
      await measuring.backend.mutation(runs.startMany, start);
  });
  await measuring.window("run", () => measuring.untilFinished(n));
  await measuring.window("after", () => measuring.rest());
  expectEqual("how many runs have finished", progress.finished, n);
}
