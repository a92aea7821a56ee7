/** Defects of recovery, of budgets and of the end of a run: see defects.mjs. */

const test = (file, title) => ({ file: `src/${file}.test.ts`, title });

export const RECOVERY_DEFECTS = [
  {
    name: "inline: a cancel of its own run not noticed",
    file: "src/client/execution.ts",
    find: "mayHaveWritten(before, after) && !(await this.isStillCurrent())",
    replace: "false",
    killedBy: test(
      "client/ownRun",
      "and cancels it: no inline step begins after it",
    ),
  },
  {
    name: "inline: steps of 0.4 begin after their run was canceled",
    file: "src/client/replay/legacy/replay.ts",
    find: "if (run?.isFenced) break;",
    replace: "",
    killedBy: test(
      "client/ownRun",
      "a run of 0.4: no inline step begins after one that cancels it, however it found the run",
    ),
  },
  {
    name: "inline: a clock that runs is not trusted",
    file: "src/client/execution.ts",
    find: "elapsed > 0 ?",
    replace: "elapsed < 0 ?",
    killedBy: test(
      "client/inline",
      "a turn runs as many as it has time for, not as few as without a clock",
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
      "is none where loading its modules may take more than is left",
    ),
  },
];
