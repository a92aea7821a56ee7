import { ResultWatch } from "../../../src/testing/random/guarantees.js";
import { DAY, HOUR } from "../../../src/testing/units.js";
import { VirtualClock } from "../backend/clock.mjs";
import { createDeployment } from "../backend/deployment.mjs";
import type { FaultOptions } from "../backend/faults.mjs";
import { seededRandom, type Random } from "../backend/random.mjs";
import type { Deployment } from "../backend/types.mjs";
import type { Push } from "./backend.js";
import { checkInvariants, readRuns } from "./invariants.js";
import { cancelsAndRecovers } from "./operator.js";

export const PROGRAMS = [
  ...["sequence", "all", "failsFast", "race", "branches"],
  ...["family", "retries", "events"],
];

/** How often each fault occurred, and each program and operation started. */
export type Counts = Record<string, number>;

/** Shorter than a day, because the workpool never stops looking for jobs whose completion an operator canceled. */
const OPERATED_HOURS = 6;

/** The share of deployments whose operator cancels scheduled functions. OPERATED=1 means all. */
const OPERATED = Number(process.env.OPERATED ?? 0.4);

/** The time range in which most steps are in flight. */
const BUSY_MS = [200, 1500] as const;

/**
 * Runs a few workflows on a deployment with faults, all determined by a seed. Waits until no work
 * remains, then checks the invariants. Throws if one is violated.
 */
export async function runWithFaults(
  push: Push,
  seed: number,
  { freshContexts = true } = {},
): Promise<Counts> {
  const random = seededRandom(seed);
  const clock = new VirtualClock();
  const committed: Counts = {};
  const deployment = createDeployment({
    clock,
    seed,
    faults: someFaults(random.fork(), committed),
    // Two thirds of all calls run the workpool's code, which keeps no state.
    sharesContexts: (componentPath) =>
      !freshContexts || componentPath.includes("workpool"),
  });
  const lines: string[] = [];
  deployment.onLog(({ level, componentPath, function: name, message }) =>
    lines.push(`${level} ${componentPath || "app"} ${name} ${message}`),
  );
  try {
    await deployment.deploy(push);
    const counts = someOperations(deployment, clock, random.fork());
    const isOperated = random.chance(OPERATED);
    if (isOperated) cancelsAndRecovers(deployment, clock, random.fork());
    const watch = new ResultWatch();
    const look = async () => watch.look(await readRuns(deployment));
    for (let i = 0; i < 3; i++)
      clock.setTimer(random.between([0, 20_000]), () => void look());
    if (isOperated) await advanceOperated(deployment, clock);
    else await clock.advance(DAY);
    await look();
    await checkInvariants(deployment, clock, lines, { isOperated });
    return { ...counts, ...committed, ...deployment.hazards() };
  } finally {
    await deployment.close();
  }
}

/** Ends an hour after the runs and the component came to rest. The operator recovers once more in that hour. */
async function advanceOperated(deployment: Deployment, clock: VirtualClock) {
  let wasAtRest = false;
  for (let hours = 0; hours < OPERATED_HOURS && !wasAtRest; hours++) {
    wasAtRest = hours > 0 && (await isAtRest(deployment));
    await clock.advance(HOUR);
  }
}

async function isAtRest(deployment: Deployment) {
  const runs = await readRuns(deployment);
  const jobs = await deployment.rows("_scheduled_functions", "workflow");
  return (
    runs.every(({ run }) => run.runResult) &&
    !jobs.some(({ state }) => ["pending", "inProgress"].includes(state.kind))
  );
}

function someFaults(random: Random, committed: Counts): FaultOptions {
  const sometimes = <T>(value: T) => (random.chance(0.5) ? value : undefined);
  const rate = (most: number) => sometimes(random.next() * most);
  const kills = random.fork();
  const slow = random.fork();
  const ranges = random.fork();
  const killRate = rate(0.02) ?? 0;
  const slowRate = rate(0.03) ?? 0;
  const rangesRate = rate(0.1) ?? 0;
  // A driver falls back to the pool after four conflicts in a row.
  const inARow = sometimes([1, 6] as const);
  return {
    conflictRate: rate(0.2),
    actionConflictRate: rate(0.1),
    actionConflictsInARow: inARow,
    reportLostRate: rate(0.1),
    actionCrashRate: rate(0.05),
    crashNoticedAfterMs: sometimes([100, 10 * 60_000] as const),
    maxConcurrentJobs: random.between([2, 8]),
    hopLatencyMs: sometimes([0, 50] as const),
    callLatencyMs: sometimes([0, 20] as const),
    // An action step needs three permits: the pool's, the driver's and its own. It is retried until it
    // gets its own, so some must be left when each run has its driver.
    actionPermits: random.chance(0.5) ? random.between([4, 6]) : 16,
    refusalRate: rate(0.05),
    systemErrorRate: rate(0.03),
    // A step writes a few hundred bytes.
    writeBytesPerSecond: sometimes(random.between([2000, 20_000])),
    // A step may use almost all of a transaction.
    rangesOf: ({ path }) =>
      path.startsWith("steps:") && ranges.chance(rangesRate)
        ? ranges.between([1500, 3900])
        : 0,
    onBoundary: ({ when, function: path }) => {
      if (when === "after") committed[path] = (committed[path] ?? 0) + 1;
      return kills.chance(killRate) ? "kill" : undefined;
    },
    userTime: {
      // The workpool doesn't survive if its own transaction takes too long.
      costOf: ({ componentPath, path }) =>
        componentPath === "" && !path.startsWith("runs:")
          ? slow.chance(slowRate)
            ? Infinity
            : 0
          : 0,
    },
  };
}

/** Starts runs, and sends events to, cancels or restarts some of them. */
function someOperations(
  deployment: Deployment,
  clock: VirtualClock,
  random: Random,
) {
  const counts: Counts = {};
  const call = async (name: string, args: Record<string, string | boolean>) => {
    counts[name] = (counts[name] ?? 0) + 1;
    const path = `runs:${name}`;
    const identity = random.chance(0.5) ? { name: "Ada" } : null;
    await deployment.call({ path, args, caller: { admin: true, identity } });
  };
  const workflowIdOf = async (run: string) =>
    (await deployment.rows("workflows", "workflow")).find(
      (row: { args: { run: string } }) => row.args.run === run,
    )?._id as string | undefined;
  const later = (
    operation: string,
    run: string,
    args = {},
    within: readonly [number, number] = [0, 8000],
  ) => {
    clock.setTimer(random.between(within), () => {
      void (async () => {
        const workflowId = await workflowIdOf(run);
        if (workflowId) await call(operation, { workflowId, ...args });
      })();
    });
  };

  // Switches the way of executing steps during runs, and sometimes back.
  if (random.chance(0.4))
    for (const execution of ["pool", "driver"])
      clock.setTimer(random.between(BUSY_MS), () => {
        counts.switched = (counts.switched ?? 0) + 1;
        void deployment.call({
          componentPath: "workflow",
          path: "utils:updateConfig",
          args: { execution },
          caller: { admin: true },
        });
      });
  for (let i = 0; i < 2; i++) {
    const run = `run ${i}`;
    const program = PROGRAMS[random.between([0, PROGRAMS.length - 1])]!;
    const startAsync = random.chance(0.3);
    counts[program] = (counts[program] ?? 0) + 1;
    clock.setTimer(
      random.between([0, 500]),
      () => void call("start", { program, run, startAsync }),
    );
    for (const name of ["go", "a", "b"])
      if (random.chance(0.6)) later("send", run, { name });
    if (random.chance(0.15)) later("cancel", run, {}, BUSY_MS);
    // The restart is refused if the run hasn't ended.
    if (random.chance(0.2)) later("restart", run, { run });
    if (random.chance(0.2)) later("cancelAndRestart", run, { run }, BUSY_MS);
  }
  return counts;
}
