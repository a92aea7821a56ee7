import type { ProgramArgs } from "../app/workflows.js";
import { sumOfBytes, sumOfSteps, type Scenario } from "./scenario.js";

// Measures one run from its start until its handler returns.

const KINDS = ["query", "mutation", "action"] as const;

interface Program {
  name: string;
  description: string;
  workflow: string;
  sizes: number[];
  quickSizes: number[];
  args?: Partial<ProgramArgs>;
  result?: (n: number) => number;
}

export const program = ({
  workflow,
  args = {},
  result = sumOfSteps,
  ...about
}: Program): Scenario => ({
  ...about,
  run: async (n, measuring) => {
    await measuring.wholeRun(workflow, { n, ...args }, result(n));
  },
});

const LENGTHS = {
  sizes: [1, 10, 50, 100, 200, 500, 1000],
  quickSizes: [1, 10, 50],
};
const WIDTHS = { sizes: [10, 100, 200, 500, 1000], quickSizes: [10, 100] };
const one = (n: number) => ({ sizes: [n], quickSizes: [n] });

const LARGE = 100_000;

export const programs: Scenario[] = [
  ...KINDS.map((kind) =>
    program({
      name: `sequential ${kind}`,
      description: `n ${kind} steps, one after another`,
      workflow: "sequential",
      args: { kind },
      ...LENGTHS,
    }),
  ),
  program({
    name: "sequential inline",
    description: "n inline mutations, one after another",
    workflow: "sequential",
    args: { kind: "mutation", inline: true },
    sizes: [...LENGTHS.sizes, 4000],
    quickSizes: LENGTHS.quickSizes,
  }),
  ...(["mutation", "action"] as const).map((kind) =>
    program({
      name: `fan-out ${kind}`,
      description: `n ${kind} steps at once, maxParallelism 100`,
      workflow: "wide",
      args: { kind },
      ...WIDTHS,
    }),
  ),
  program({
    name: "fan-out action, default",
    description: "n action steps at once, maxParallelism left as it is",
    workflow: "parallel",
    args: { kind: "action" },
    ...one(100),
  }),
  ...(["mutation", "action"] as const).map((kind) =>
    program({
      name: `branches ${kind}`,
      description: `n branches of three ${kind} steps each, maxParallelism 100`,
      workflow: "branches",
      args: { kind },
      ...one(50),
    }),
  ),
  program({
    name: "children",
    description: "n nested workflows of one mutation step each, at once",
    workflow: "children",
    args: { kind: "mutation" },
    ...one(20),
  }),
  program({
    name: "sleeps",
    description: "n sleeps of a second, one after another",
    workflow: "sleeps",
    args: { ms: 1000 },
    result: (n) => n,
    ...one(20),
  }),
  program({
    name: "failing steps",
    description: "n mutation steps that fail and are caught",
    workflow: "failing",
    result: (n) => n,
    ...one(20),
  }),
  program({
    name: "retried actions",
    description: "n action steps whose first attempt fails",
    workflow: "retried",
    ...one(20),
  }),
  ...(["mutation", "action"] as const).map((kind) =>
    program({
      name: `large results ${kind}`,
      description: `n ${kind} steps, one after another, that return 100 kB each`,
      workflow: "sequential",
      args: { kind, bytes: LARGE },
      result: (n) => sumOfBytes(n, LARGE),
      ...one(20),
    }),
  ),
];
