/** Defects in recovery, in budgets and in ending a run. See defects.mjs. */

const test = (file, title) => ({ file: `src/${file}.test.ts`, title });

export const RECOVERY_DEFECTS = [
  {
    name: "recover: a step that nothing executes left alone",
    file: "src/engine/lifecycle/recover.ts",
    find: "if (!isExecuted) await takeOver(ctx, { row, run });",
    replace: "",
    killedBy: test(
      "engine/lifecycle/recover",
      "a step of a driver that its run no longer has",
    ),
  },
  {
    name: "inline: a cancel of its own run not noticed",
    file: "src/client/turn/execution.ts",
    find: "mayHaveWritten(before, after) && !(await ctx.runQuery(isCurrent, run))",
    replace: "false",
    killedBy: test(
      "engine/lifecycle/ownRun",
      "and cancels it is the last inline step to begin",
    ),
  },
  {
    name: "inline: steps of 0.4 begin after their run was canceled",
    file: "src/client/replay/legacy/replay.ts",
    find: "if (run?.isFenced) break;",
    replace: "",
    killedBy: test(
      "engine/lifecycle/ownRun",
      "in a run of 0.4, no inline step begins after one that cancels it, however it found the run",
    ),
  },
  {
    name: "inline: a clock that runs is not trusted",
    file: "src/client/turn/execution.ts",
    find: "elapsed > 0 ?",
    replace: "elapsed < 0 ?",
    killedBy: test(
      "engine/step/inline",
      "a turn runs as many as its time allows, not as few as without a clock",
    ),
  },
  {
    name: "watchdog: late taken for dead",
    file: "src/engine/platform/scheduler.ts",
    find: 'return { kind: "pending" };',
    replace: 'return { kind: "dead", error: "late" };',
    killedBy: test(
      "engine/lifecycle/watchdog",
      "isn't considered dead, and the run ends as planned",
    ),
  },
  {
    name: "watchdog: a canceled turn not scheduled again",
    file: "src/engine/lifecycle/watchdog.ts",
    find: "await schedulePending(ctx, pending, dueAt),",
    replace: "run.pendingTurn,",
    killedBy: test(
      "engine/lifecycle/watchdog",
      "a turn that an operator canceled is scheduled again",
    ),
  },
  {
    name: "recovering: a known outcome not taken from the pool",
    file: "src/engine/driver/reports.ts",
    find: "if (unrecorded) await fallBackToPool(ctx, { ...context, ...unrecorded });",
    replace: "",
    killedBy: test(
      "engine/lifecycle/watchdog",
      "a known outcome is recorded however late the driver reports it, and the action runs once",
    ),
  },
  {
    name: "recovering: no second look at a driver that has ended",
    file: "src/engine/lifecycle/watchdog.ts",
    find: ": isSeenAgain || !work.reports;",
    replace: ": true;",
    killedBy: test(
      "engine/lifecycle/watchdog",
      "a driver's ended job is dead only if a second check also finds no result",
    ),
  },
  {
    name: "config: the pool gets a setting that nobody passed",
    file: "src/engine/platform/config.ts",
    find: "const isSaid = isPaused || said.maxParallelism !== undefined;",
    replace: "const isSaid = true;",
    killedBy: test(
      "engine/platform/config",
      "applies to managers that pass none until another value is passed",
    ),
  },
  {
    name: "config: a manager lifts an operator's pause",
    file: "src/engine/platform/config.ts",
    find: "const isPaused = row?.maxParallelism === 0;",
    replace: "const isPaused = false;",
    killedBy: test(
      "engine/platform/config",
      "an operator's pause holds until the operator lifts it, whatever managers pass",
    ),
  },
  {
    name: "ending: waits of a large run dropped at once",
    file: "src/engine/lifecycle/end.ts",
    find: "(await isHalfUnused(ctx))\n    ? await releaseSteps",
    replace: "run\n    ? await releaseSteps",
    killedBy: test(
      "engine/lifecycle/stepsAfterEnd",
      "a run that returns while large steps are in flight completes with its result (driver)",
    ),
  },
  {
    name: "recover: a canceled turn taken for one that comes",
    file: "src/engine/lifecycle/recover.ts",
    find: "if (pendingTurn && (await isComing(ctx, pendingTurn)))",
    replace: "if (pendingTurn)",
    killedBy: test(
      "engine/lifecycle/recover",
      "a turn that was due, with its watchdog",
    ),
  },
  {
    name: "recover: timers not looked at",
    file: "src/engine/lifecycle/recover.ts",
    find: "    if (await isComing(ctx, timer)) return false;\n",
    replace: "    return false;\n",
    killedBy: test(
      "engine/lifecycle/recover",
      "a sleep, which ends at its original time",
    ),
  },
  {
    name: "recover: stops after a batch",
    file: "src/shared/recovery.ts",
    find: "} while (after);",
    replace: "} while (false);",
    killedBy: test(
      "engine/lifecycle/recover",
      "many runs in batches, and returns how many",
    ),
  },
  {
    name: "budget: no index ranges for loading modules",
    file: "src/shared/transactionBudget.ts",
    find: "asked[key] + extra",
    replace: "asked[key]",
    killedBy: test(
      "shared/transactionBudget",
      "includes index ranges for loading its modules, in addition to the requested ones",
    ),
  },
  {
    name: "budget: functions called that can't be loaded",
    file: "src/shared/transactionBudget.ts",
    find: "transactionLimits.databaseQueries! >= FUNCTION_LOADING_RANGES",
    replace: "transactionLimits.databaseQueries! >= 0",
    killedBy: test(
      "shared/transactionBudget",
      "is zero if loading its modules may exceed the rest",
    ),
  },
  {
    name: "recover: tasks not looked at",
    file: "src/engine/lifecycle/recover.ts",
    find: '{ afterTask: 0 } : { afterEnded: "" }',
    replace: 'undefined : { afterEnded: "" }',
    killedBy: test("engine/lifecycle/recover", "a cancel"),
  },
  {
    name: "recover: what ended runs left in flight not looked at",
    file: "src/engine/lifecycle/recover.ts",
    find: "if (run?.runResult && !endedForcibly(run)) yield run;",
    replace: "",
    killedBy: test(
      "engine/lifecycle/recover",
      "an action whose report to the pool was lost, once it can no longer be running, of a run that has ended",
    ),
  },
  {
    name: "recover: only the first steps in flight looked at",
    file: "src/engine/lifecycle/recover.ts",
    find: "return { isLost, afterStep: row._creationTime };",
    replace: "return { isLost };",
    killedBy: test(
      "engine/lifecycle/recover",
      "every step in flight, however many there are",
    ),
  },
  {
    name: "tasks: nothing looks after them",
    file: "src/engine/platform/tasks.ts",
    find: "const checkId = await watch(ctx, scheduledId, { taskId }, { dueInMs });",
    replace: "const checkId = undefined;",
    killedBy: test(
      "engine/lifecycle/watchdog",
      "is scheduled again if an operator cancels it",
    ),
  },
  {
    name: "tasks: an onComplete whose transaction crashed is called again",
    file: "src/engine/lifecycle/watchdog.ts",
    find: 'if (crash && row.kind === "callOnComplete") {',
    replace: "if (!row) {",
    killedBy: test(
      "engine/lifecycle/watchdog",
      "is kept as a failure and not called again if its transaction crashes",
    ),
  },
  {
    name: "tasks: their rows outlive them",
    file: "src/engine/platform/tasks.ts",
    find: 'await ctx.db.delete("tasks", taskId);\n  return task;',
    replace: "return task;",
    killedBy: test(
      "engine/lifecycle/watchdog",
      "is done at once, and its watchdog ends",
    ),
  },
  {
    name: "pool: a run fails whose turn an operator canceled",
    file: "src/engine/step/poolReports.ts",
    find: "if (isLost(result))\n",
    replace: "if (!result)\n",
    killedBy: test(
      "engine/step/poolReports",
      "is taken again if it was to take a turn (Canceled via scheduler)",
    ),
  },
  {
    name: "pool: a mutation fails whose job an operator canceled",
    file: "src/engine/step/poolReports.ts",
    find: "if (isLost(result) &&",
    replace: "if (!result &&",
    killedBy: test(
      "engine/step/poolReports",
      "runs again if it executes a mutation",
    ),
  },
  {
    name: "local backend: nothing is born canceled",
    file: "tools/local-backend/backend/jobSyscalls.mjs",
    find: 'isCanceled = row.state.kind === "canceled";',
    replace: "",
    killedBy: {
      file: "tools/local-backend/backend/jobs.test.ts",
      title: "is born canceled if the action was canceled while it ran",
    },
  },
  {
    name: "recover: a job that runs for the pool runs for ever",
    file: "src/engine/lifecycle/recover.ts",
    find: 'if (kind === "pending") return false;',
    replace: 'if (kind !== "unknown") return false;',
    killedBy: test(
      "engine/lifecycle/recover",
      "an action whose report to the pool was lost, once it can no longer be running, of a run that goes on",
    ),
  },
];
