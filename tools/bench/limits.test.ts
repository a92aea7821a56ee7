// @vitest-environment node
import { beforeAll, describe, expect, test } from "vitest";
import { MINUTE } from "../../src/testing/units.js";
import type { ProgramArgs } from "./app/workflows.js";
import { Backends } from "./backend.js";
import { figuresOf, type Figures } from "./measuring.js";
import { CURRENT } from "./packages/current.js";
import type { Call } from "./recording/call.js";
import { scenarios } from "./scenarios/all.js";
import {
  Measuring,
  sumOfBytes,
  sumOfSteps,
  type WindowName,
} from "./scenarios/scenario.js";
import { callsOfSteps } from "./steadyState.js";

// The maximum costs of this package, with the platform's limits. They are counts, so they are the same on
// every machine.

let backends: Backends;
beforeAll(async () => {
  backends = await Backends.with(CURRENT);
});

test.each(["query", "mutation", "action"] as const)(
  "C1, C2, C3: once its run has a driver, a sequential %s step costs one mutation transaction and no scheduler hop, reads at most 6 documents, implied ones included, writes at most 2, and makes at most 4 nested calls",
  async (kind) => {
    const args = { kind, n: 40 };
    const { run } = await measureRun("sequential", args, sumOfSteps(40));
    const perStep = costOfStep(run, 10, 30);
    // The step's own query.
    const queries = kind === "query" ? 1 : 0;
    expect(perStep).toMatchObject({
      ...{ transactions: 1 + queries, queries, hops: 0, scheduled: 0 },
    });
    atMost(perStep, {
      ...{ documentsRead: 6, documentsWritten: 2, nestedCalls: 4 },
    });
  },
);

test.each(["mutation", "action"] as const)(
  "C2: after 3.5 MiB of journal, a %s step reads at most 6 documents and writes at most 2",
  async (kind) => {
    const args = { kind, n: 40, bytes: 100_000 };
    const result = sumOfBytes(args.n, args.bytes);
    const { run } = await measureRun("sequential", args, result);
    atMost(costOfStep(run, 37, 39), { documentsRead: 6, documentsWritten: 2 });
  },
);

test("C2: setProgress before each step costs no document, transaction or call", async () => {
  const perStep = async (progress: boolean) => {
    const args = { kind: "mutation", n: 40, progress } as const;
    const { run } = await measureRun("sequential", args, sumOfSteps(40));
    return costOfStep(run, 10, 30);
  };
  const [without, with_] = [await perStep(false), await perStep(true)];
  const { bytesRead: _read, bytesWritten: _written, ...counts } = without;
  expect(with_).toMatchObject(counts);
  atMost(with_, { documentsRead: 6, documentsWritten: 2 });
});

test.each([
  "children",
  "events awaited",
  "branches mutation",
  "retried actions",
])(
  "C3: %s: no call is more than 6 deep below the function that began its transaction",
  async (name) => {
    const { start, run, after } = await measureScenario(name);
    atMost(figuresOf([...start, ...run, ...after]), { depth: 6 });
  },
);

test("C4: at maxParallelism 100, a fan-out of 100 actions takes at most 120 transactions and reads at most 1400 documents, one of 200 reads twice as many, and one of 1000 completes", async () => {
  const actions = async (n: number) =>
    await measureRun("wide", { kind: "action", n }, sumOfSteps(n));
  const { run, after } = await actions(100);
  const { documentsRead, impliedReads, transactions } = figuresOf([
    ...run,
    ...after,
  ]);
  expect(transactions).toBeLessThanOrEqual(120);
  // Excludes reads that a write implies. With them, the workpool alone has eleven for each job.
  expect(documentsRead - impliedReads).toBeLessThanOrEqual(1400);
  expect(documentsRead).toBeLessThanOrEqual(2000);
  const allowed = 2.1 * figuresOf(run).documentsRead;
  atMost(figuresOf((await actions(200)).run), { documentsRead: allowed });
  await actions(1000);
});

test.each([
  ["20 sleeps in a row", "sleeps", 45],
  ["20 events awaited and then sent", "events awaited", 65],
])(
  "C5: %s (%s) take at most %d transactions and no workpool job",
  async (_what, scenario, transactions) => {
    const { run } = await measureScenario(scenario);
    atMost(figuresOf(run), { transactions });
    expect(run.filter(isOfPool).map(({ name }) => name)).toEqual([]);
  },
);

test("C6: 500 runs with one mutation step each, started one by one, take at most 1600 transactions", async () => {
  const { start, run } = await measureScenario("runs started one by one", 500);
  atMost(figuresOf([...start, ...run]), { transactions: 1600 });
});

test.each([
  ["a key", { transactions: 0, documentsWritten: 0, nestedCalls: 1 }],
  ["a deadline", { transactions: 0, documentsWritten: 4, nestedCalls: 0 }],
  // The cleanup costs a transaction.
  ["a retention", { transactions: 1, documentsWritten: 5, nestedCalls: 1 }],
] as const)(
  "a start with %s costs at most %j more than one without",
  async (what, limits) => {
    const n = 16;
    const costOf = async (options: string) =>
      figuresOf((await measureScenario(`start with ${options}`, n)).run);
    const [without, with_] = [await costOf("nothing"), await costOf(what)];
    const more = { ...with_ };
    for (const key of Object.keys(limits) as (keyof typeof limits)[])
      more[key] = (with_[key] - without[key]) / n;
    atMost(more, limits);
  },
);

test("cancelMany and cleanupMany of 32 runs take one transaction per batch, and count reads each run once", async () => {
  for (const name of ["cancelMany", "cleanupMany"])
    atMost(figuresOf((await measureScenario(name)).run), { transactions: 2 });
  const counted = figuresOf((await measureScenario("counts")).run);
  atMost(counted, { transactions: 1, documentsRead: 32, indexRanges: 4 });
});

describe("inline steps", () => {
  const inline = async (n: number) => {
    const args = { kind: "mutation", inline: true, n } as const;
    return (await measureRun("sequential", args, sumOfSteps(n))).run;
  };

  test("C7: cost two calls each and no transaction", async () => {
    const [few, many] = [await inline(5), await inline(25)].map(figuresOf);
    const each = (key: keyof Figures) => (many![key] - few![key]) / 20;
    expect(each("transactions")).toBe(0);
    expect(each("indexRanges")).toBeLessThanOrEqual(1);
    expect(each("documentsRead")).toBeLessThanOrEqual(8);
    expect(each("documentsWritten")).toBeLessThanOrEqual(2);
  });
});

// The costs of 0.4.8 in the same programs, as `npm run bench` measures them.
test.each([
  [1, 188, 2860],
  [2, 275, 8280],
])(
  "C12: 20 retried actions that fail %d times each take at most %d transactions and wait at most %d ms",
  async (failures, transactions, waitMs) => {
    const measuring = new Measuring(await backends.make());
    await measuring.wholeRun("retried", { n: 20, failures }, sumOfSteps(20));
    const [run, after] = measuring.windows.map(({ measured }) => measured);
    atMost(figuresOf([...run!.calls, ...after!.calls]), { transactions });
    expect(run!.figures.modelledMs).toBeLessThanOrEqual(waitMs);
  },
);

test(
  "C8: a run of 1000 sequential actions completes, and its last steps cost no more than its first",
  { timeout: 5 * MINUTE },
  async () => {
    const args = { kind: "action", n: 1000 } as const;
    const { run } = await measureRun("sequential", args, sumOfSteps(args.n));
    const first = costOfStep(run, 10, 20);
    const last = costOfStep(run, 985, 995);
    expect(countsOf(last)).toEqual(countsOf(first));
    // The limits allow for step numbers with more digits.
    atMost(last, {
      bytesRead: 1.1 * first.bytesRead,
      bytesWritten: 1.1 * first.bytesWritten,
    });
  },
);

const countsOf = ({ bytesRead: _, bytesWritten: __, ...counts }: Figures) =>
  counts;

type Calls = Record<WindowName, Call[]>;

async function measureRun(name: string, args: ProgramArgs, result: number) {
  return await measure((measuring) => measuring.wholeRun(name, args, result));
}

/** Measures a scenario of `npm run bench`, by default at its smallest size. */
async function measureScenario(name: string, n?: number) {
  const scenario = scenarios.find((one) => one.name === name)!;
  return await measure((measuring) =>
    scenario.run(n ?? scenario.sizes[0]!, measuring),
  );
}

async function measure(
  body: (measuring: Measuring) => Promise<unknown>,
): Promise<Calls> {
  const measuring = new Measuring(await backends.make());
  await body(measuring);
  const calls: Calls = { start: [], run: [], after: [] };
  for (const { window, measured } of measuring.windows)
    calls[window] = measured.calls;
  return calls;
}

/** Returns the average cost of a step, from step `from` up to step `to`. */
function costOfStep(calls: Call[], from: number, to: number): Figures {
  const figures = figuresOf(callsOfSteps(calls, from, to));
  for (const key of SUMS) figures[key] /= to - from;
  return figures;
}

const SUMS = [
  ...["transactions", "queries", "actions", "hops", "nestedCalls"],
  "scheduled",
  ...["indexRanges", "documentsRead", "impliedReads", "bytesRead"],
  ...["documentsWritten", "bytesWritten"],
] as (keyof Figures)[];

/** Checks the maximums. A failure shows each measured value next to its limit. */
function atMost(figures: Figures, limits: Partial<Figures>) {
  for (const [key, limit] of Object.entries(limits))
    expect(figures[key as keyof Figures], key).toBeLessThanOrEqual(limit);
}

const isOfPool = ({ component }: Call) =>
  component.startsWith("workflow/workpool");
