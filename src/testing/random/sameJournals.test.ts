import { test } from "vitest";
import { drain, newBackend, useBackend } from "../harness.js";
import { installPrograms } from "./backend/app.js";
import { startProgram } from "./backend/execute.js";
import { recordedRuns, type RecordedRun } from "./backend/journals.js";
import { silenceConsole } from "./backend/quiet.js";
import { restartTimers } from "./backend/timers.js";
import { same } from "./differences.js";
import { generate } from "./generate.js";
import { paced } from "./pace.js";
import type { Node } from "./program.js";
import { Random } from "./random.js";
import { forEachSeed, onlySeed, seeds } from "./seeds.js";
import { Coverage } from "./coverage.js";

const FILE = "src/testing/random/sameJournals.test.ts";
const TITLE =
  "results that come in the same order leave the same journal, driven or in the pool";

const HAZARDS = [
  "same order",
  "driven step",
  "nested run",
  "attempt failed",
  "several in flight",
  "delivered in another order than asked",
] as const;

useBackend();
silenceConsole();

test(TITLE, { timeout: 3_600_000 }, async () => {
  const coverage = new Coverage("same journals", HAZARDS);
  const all = seeds(40);
  let otherOrder = 0;
  await forEachSeed(all, FILE, TITLE, async (seed) => {
    const random = new Random(seed);
    const options = { steps: random.between(3, 9), children: 1 };
    const program = paced(generate(random.fork(), options), random.fork());
    if (onlySeed !== undefined) console.info(JSON.stringify(program));
    const driven = await execute(program, "driver");
    const pooled = await execute(program, "pool");
    if (pooled.some(({ steps }) => steps.some(({ drivenBy }) => drivenBy)))
      throw new Error("A step was driven where none is to be");
    // The time at which a held-back result is retried depends on the driver's turns.
    if (isAnyHeldBack(driven) || isAnyHeldBack(pooled)) return;
    if (orders(driven) !== orders(pooled)) {
      otherOrder++;
      return;
    }
    coverage.hit("same order");
    same(
      "the journals, driven and in the pool",
      deliveries(driven),
      deliveries(pooled),
    );
    for (const run of driven) count(run, coverage);
  });
  if (onlySeed !== undefined) return;
  coverage.report();
  if (otherOrder > all.length / 4)
    throw new Error(
      `Results came in different orders for ${otherOrder} of ${all.length} seeds: too little was compared`,
    );
});

async function execute(program: Node, execution: "driver" | "pool") {
  restartTimers(new Random(0));
  installPrograms();
  const t = newBackend({ execution });
  await startProgram(t, program, { startAsync: false });
  await drain();
  return await recordedRuns(t);
}

const isAnyHeldBack = (runs: RecordedRun[]) =>
  runs.some(({ steps }) => steps.some(({ heldBack }) => heldBack));

/** Returns the order in which each run's steps completed. Steps with the same time are in delivery order. */
const orders = (runs: RecordedRun[]) =>
  JSON.stringify(
    runs.map(({ steps }) =>
      steps
        .filter(({ step }) => step.completedAt !== undefined)
        .sort(
          (a, b) =>
            a.step.completedAt! - b.step.completedAt! ||
            (a.delivery?.order ?? Infinity) - (b.delivery?.order ?? Infinity) ||
            a.stepNumber - b.stepNumber,
        )
        .map(({ stepNumber }) => stepNumber),
    ),
  );

/** Returns the journals without ids, times, and the way in which steps were executed. */
function deliveries(runs: RecordedRun[]): unknown {
  const names = new Map(runs.map(({ run }, at) => [run._id as string, at]));
  const nameIds = (value: unknown) =>
    JSON.parse(
      JSON.stringify(value, (key, inner: unknown) =>
        UNCOMPARED.has(key) ? undefined : inner,
      ),
      (_key, inner: unknown) =>
        names.has(inner as string)
          ? `run ${names.get(inner as string)}`
          : inner,
    ) as unknown;
  return nameIds(
    runs.map(({ run, steps }) => ({ ends: run.runResult, steps })),
  );
}

const UNCOMPARED = new Set([
  ...["_id", "_creationTime", "startedAt", "completedAt", "timer"],
  ...["workId", "drivenBy", "eventId", "dueAt", "endedAt"],
]);

function count(
  { run, steps }: RecordedRun,
  coverage: Coverage<(typeof HAZARDS)[number]>,
) {
  if (run.parent) coverage.hit("nested run");
  let last = -1;
  let busyUntil = 0;
  for (const { step, drivenBy, delivery, failedAttempts } of steps) {
    if (drivenBy !== undefined) coverage.hit("driven step");
    if (failedAttempts !== undefined) coverage.hit("attempt failed");
    if (step.startedAt < busyUntil) coverage.hit("several in flight");
    busyUntil = Math.max(busyUntil, step.completedAt ?? Infinity);
    if (delivery && delivery.order < last)
      coverage.hit("delivered in another order than asked");
    last = Math.max(last, delivery?.order ?? -1);
  }
}
