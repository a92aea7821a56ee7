/** Defects of recovery, of budgets and of the end of a run: see defects.mjs. */

const test = (file, title) => ({ file: `src/${file}.test.ts`, title });

export const RECOVERY_DEFECTS = [
  {
    name: "inline: a cancel of its own run not noticed",
    file: "src/client/execution.ts",
    find: "mayHaveWritten(before, after) && !(await this.isStillCurrent())",
    replace: "false",
    killedBy: test(
      "engine/lifecycle/ownRun",
      "and cancels it: no inline step begins after it",
    ),
  },
  {
    name: "inline: steps of 0.4 begin after their run was canceled",
    file: "src/client/replay/legacy/replay.ts",
    find: "if (run?.isFenced) break;",
    replace: "",
    killedBy: test(
      "engine/lifecycle/ownRun",
      "a run of 0.4: no inline step begins after one that cancels it, however it found the run",
    ),
  },
  {
    name: "inline: a clock that runs is not trusted",
    file: "src/client/execution.ts",
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
    find: '      return { kind: "late" };',
    replace: '      return { kind: "dead", error: "late" };',
    killedBy: test(
      "engine/platform/watchdog",
      "is not considered dead: the run ends as planned",
    ),
  },
  {
    name: "watchdog: a canceled turn not scheduled again",
    file: "src/component/watchdog.ts",
    find: '      case "canceled":\n',
    replace: '      case "canceled":\n        return null;\n',
    killedBy: test("engine/platform/watchdog", "is scheduled again"),
  },
  {
    name: "recovering: a known outcome not taken from the pool",
    file: "src/component/recovering.ts",
    find: "if (givenUp) await settle(ctx, context, givenUp);",
    replace: "",
    killedBy: test(
      "engine/platform/watchdog",
      "a known outcome is recorded, however late the driver reports it: the action runs once",
    ),
  },
  {
    name: "recovering: no second look at a driver that has ended",
    file: "src/component/recovering.ts",
    find: 'state === "finished" && isSeenAgain',
    replace: 'state === "finished"',
    killedBy: test(
      "engine/platform/watchdog",
      "a driver's job that has ended is dead only if a second look finds no result either",
    ),
  },
  {
    name: "config: the pool told what nobody says",
    file: "src/engine/platform/config.ts",
    find: "const isSaid = isPaused || said.maxParallelism !== undefined;",
    replace: "const isSaid = true;",
    killedBy: test(
      "engine/platform/parallelism",
      "applies to managers that pass none until another value is passed",
    ),
  },
  {
    name: "config: a manager lifts an operator's pause",
    file: "src/engine/platform/config.ts",
    find: "const isPaused = row?.maxParallelism === 0;",
    replace: "const isPaused = false;",
    killedBy: test(
      "engine/platform/parallelism",
      "an operator's pause holds until the operator lifts it, whatever managers pass",
    ),
  },
  {
    name: "ending: waits of a large run dropped at once",
    file: "src/component/ending.ts",
    find: "if (!(await isHalfUnused(ctx))) return await continueAfter(after);",
    replace: "",
    killedBy: test(
      "engine/lifecycle/stepsAfterEnd",
      "a run that returns beside large steps in flight ends as it returned",
    ),
  },
  {
    name: "recover: a canceled turn taken for one that comes",
    file: "src/component/recovering.ts",
    find: "if (await mayStillRun(ctx, pendingTurn)) waits = true;",
    replace: "if (pendingTurn) waits = true;",
    killedBy: test(
      "engine/lifecycle/recover",
      "a turn that was due, with its watchdog",
    ),
  },
  {
    name: "recover: timers not looked at",
    file: "src/component/recovering.ts",
    find: "    if (await isScheduled(ctx, timer.scheduledId)) return false;\n",
    replace: "    return false;\n",
    killedBy: test(
      "engine/lifecycle/recover",
      "a sleep, at the time at which it was to end",
    ),
  },
  {
    name: "recover: stops after a batch",
    file: "src/client/management.ts",
    find: "} while (after !== undefined);",
    replace: "} while (false);",
    killedBy: test(
      "engine/lifecycle/recover",
      "every run of many, in batches, and says how many",
    ),
  },
  {
    name: "budget: no index ranges for loading modules",
    file: "src/shared/transactionRoom.ts",
    find: "asked[key] + extra",
    replace: "asked[key]",
    killedBy: test(
      "shared/transactionRoom",
      "has the index ranges that loading its modules takes, on top of those asked for",
    ),
  },
  {
    name: "budget: functions called that can't be loaded",
    file: "src/shared/transactionRoom.ts",
    find: "transactionLimits.databaseQueries! >= FUNCTION_LOADING_RANGES",
    replace: "transactionLimits.databaseQueries! >= 0",
    killedBy: test(
      "shared/transactionRoom",
      "is none if loading its modules may take more than is left",
    ),
  },
];
