import { test } from "vitest";
import { drain, endings, newBackend, useBackend } from "../harness.js";
import { installPrograms } from "./backend/app.js";
import {
  driverExecution,
  poolExecution,
  runUntilEnded,
  startProgram,
  type Execution,
} from "./backend/execute.js";
import {
  checkJournal,
  recordedRuns,
  type RecordedRun,
} from "./backend/journals.js";
import { silenceConsole } from "./backend/quiet.js";
import { restartTimers, useLateTimers } from "./backend/timers.js";
import { same } from "./differences.js";
import { generate } from "./generate.js";
import { Random } from "./random.js";
import { forEachSeed, onlySeed, seeds } from "./seeds.js";
import { Coverage } from "./coverage.js";

const FILE = "src/testing/random/backend.test.ts";

const HAZARDS = [
  "started in the pool",
  "attempt repeated",
  "nested run",
  "inline step",
  "step refused",
  "event sent before awaited",
  "event awaited before sent",
  "event timed out",
  "completed after the end",
  "delivered in another order than asked",
  "run failed",
] as const;

useBackend();
useLateTimers();
silenceConsole();

for (const execution of [driverExecution, poolExecution]) {
  const title = `programs do what the oracle predicts: ${execution.name}`;
  test(title, { timeout: 3_600_000 }, async () => {
    const coverage = new Coverage(
      `random programs, ${execution.name}`,
      HAZARDS,
    );
    await forEachSeed(seeds(100), FILE, title, async (seed) =>
      runSeed(seed, execution, coverage),
    );
    if (onlySeed === undefined) coverage.report();
  });
}

async function runSeed(
  seed: number,
  execution: Execution,
  coverage: Coverage<(typeof HAZARDS)[number]>,
) {
  const random = new Random(seed);
  const program = generate(random.fork(), {
    refusals: true,
    steps: random.between(2, 10),
    children: 2,
  });
  if (onlySeed !== undefined) console.info(JSON.stringify(program));
  restartTimers(random.fork());
  const { attempts } = installPrograms();
  const t = newBackend();
  await execution.prepare(t);
  const startAsync = random.chance(0.3);
  if (startAsync) coverage.hit("started in the pool");
  await startProgram(t, program, { startAsync });
  await runUntilEnded(t, random);
  await drain();
  if ([...attempts.values()].some((executions) => executions > 1))
    coverage.hit("attempt repeated");
  const runs = await recordedRuns(t);
  same("the calls of onComplete", (await endings(t)).length, 1);
  for (const recorded of runs) {
    await checkJournal(recorded, { restarted: false });
    count(recorded, coverage);
  }
}

function count(
  { run, steps }: RecordedRun,
  coverage: Coverage<(typeof HAZARDS)[number]>,
) {
  if (run.parent) coverage.hit("nested run");
  if (run.runResult?.kind === "failed") coverage.hit("run failed");
  let last = -1;
  for (const row of steps) {
    const { step, argsOmitted, delivery, drivenBy, failure, wakes } = row;
    if (step.kind === "event") {
      if (failure?.name === "TimeoutError") coverage.hit("event timed out");
      else if (step.completedAt === step.startedAt)
        coverage.hit("event sent before awaited");
      else if (step.runResult) coverage.hit("event awaited before sent");
    }
    if (step.runResult && !delivery && wakes !== undefined)
      coverage.hit("completed after the end");
    if (argsOmitted) coverage.hit("step refused");
    else if ("functionType" in step && !step.workId && drivenBy === undefined)
      coverage.hit("inline step");
    if (delivery && delivery.order < last)
      coverage.hit("delivered in another order than asked");
    last = Math.max(last, delivery?.order ?? -1);
  }
}
