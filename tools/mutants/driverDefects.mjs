/** Defects in drivers. See defects.mjs. */

const test = (file, title) => ({ file: `src/${file}.test.ts`, title });

const INDEPENDENCE = test(
  "engine/run/independence",
  "C13: two runs never write each other's documents or read ranges that the other writes, and every lookup uses an index: pool",
);

export const DRIVER_DEFECTS = [
  {
    name: "driver: one that was detached takes turns",
    file: "src/engine/driver/begin.ts",
    find: "if (!isAttached(run, driver)) return null;",
    replace: "if (run.drivers !== driver) return null;",
    killedBy: test(
      "engine/driver/driver.faults",
      "a driver that was detached takes no turn and leaves a pending one",
    ),
  },
  {
    name: "driver: one that was replaced takes turns",
    file: "src/engine/driver/begin.ts",
    find: "if (!isAttached(run, driver)) return null;",
    replace: "if (!run.driver) return null;",
    killedBy: test(
      "engine/driver/driver.faults",
      "a driver that was replaced takes no turn and leaves a pending one",
    ),
  },
  {
    name: "driver: outcome recorded twice",
    file: "src/engine/driver/begin.ts",
    find: "if (!row?.step.inProgress || row.drivenBy !== driver)",
    replace: "if (!row || row.drivenBy !== driver)",
    killedBy: test(
      "engine/driver/driver.faults",
      "a turn that has committed and is reported as a conflict is not taken again with its step",
    ),
  },
  {
    name: "driver: revision of the journal not raised",
    file: "src/engine/run/driverState.ts",
    find: "{ revision: revision + 1 }",
    replace: "{ revision }",
    killedBy: test(
      "engine/driver/driver",
      "a sleep that ends while a driver executes an action is delivered first, and the driver continues with the changed journal",
    ),
  },
  {
    name: "driver: nobody checks on it",
    file: "src/engine/run/driverState.ts",
    find: "dueInMs: startedAt - now,",
    replace: "dueInMs: 1e9,",
    killedBy: test(
      "engine/driver/driver.faults",
      "beyond an action's time limit is replaced and detects that",
    ),
  },
  {
    name: "driver: replaced while it waits in the pool",
    file: "src/engine/lifecycle/watchdog.ts",
    find: 'state.kind === "running" && forMs >= LONGEST_JOB_MS',
    replace: "isSeenAgain",
    killedBy: test(
      "engine/driver/driver.bounds",
      "a new run's mutation starts only when the pool resumes, and its waiting driver is never replaced",
    ),
  },
  {
    name: "driver: never hands over",
    file: "src/engine/step/dispatch.ts",
    find: "    !caller.shouldHandOver &&\n",
    replace: "",
    killedBy: test(
      "engine/driver/driver.bounds",
      "50 long chains on 10 slots all progress without waiting until others end",
    ),
  },
  {
    name: "driver: goes on with the step that it has handed over",
    file: "src/client/turn/execution.ts",
    find: "drivenBy === drive.driver && step.inProgress",
    replace: "drivenBy !== undefined && step.inProgress",
    killedBy: test(
      "engine/driver/driver.bounds",
      "hands over to another after a minute, so that long chains share the pool",
    ),
  },
  {
    name: "driver: a journal passed as text that can't hold it",
    file: "src/engine/driver/loop.ts",
    find: "isJson: isWhole || before!.isJson",
    replace: "isJson: true",
    killedBy: test(
      "engine/driver/driver.bounds",
      "is passed as values from the first that text can't hold",
    ),
  },
  {
    name: "driver: too old for an action, begins it",
    file: "src/engine/driver/loop.ts",
    find: "isAction && stint.age() > TOO_OLD_FOR_ACTIONS_MS",
    replace: "isAction && stint.age() < 0",
    killedBy: test(
      "engine/driver/driver.faults",
      "until it lacks the time for an action doesn't begin the next one",
    ),
  },
  {
    name: "driver: a refusal counts as an attempt",
    file: "src/engine/step/invoke.ts",
    find: 'if (!failure && wasRefused(error)) return { kind: "refused" };',
    replace: "",
    killedBy: test(
      "engine/platform/platformErrors",
      "of an action (driver) delays its first attempt",
    ),
  },
  {
    name: "driver: conflicts never make it give up",
    file: "src/engine/platform/platformErrors.ts",
    find: "if (before + 1 >= tries) throw thrown;",
    replace: "",
    killedBy: test(
      "engine/driver/driver.faults",
      "a turn that conflicts four times leaves its mutation to the pool, and a new driver continues",
    ),
  },
  {
    name: "driver: gives up at the first conflict",
    file: "src/engine/driver/loop.ts",
    find: "const TRIES = 4;",
    replace: "const TRIES = 1;",
    killedBy: test(
      "engine/driver/driver.faults",
      "a turn that conflicts three times succeeds the fourth time",
    ),
  },
  {
    name: "driver: executes a step beside others in flight",
    file: "src/engine/step/dispatch.ts",
    find: "due.length === 1 && turn.inFlight === 0",
    replace: "due.length === 1",
    killedBy: test(
      "engine/driver/driver",
      "a step beside one that is in flight already",
    ),
  },
  {
    name: "driver: goes on after a turn that canceled its run",
    file: "src/client/turn/execution.ts",
    find: "isCurrent ? this.reply() : undefined",
    replace: "this.reply()",
    killedBy: test(
      "engine/driver/driver.concurrent",
      "an inline step of a driver's turn that cancels the run after the next step was recorded doesn't start that step",
    ),
  },
  {
    name: "driver: doesn't ask whether onComplete restarted the run",
    file: "src/client/turn/execution.ts",
    find: "if (reply && runResult) reply.next.unsure = true;",
    replace: "",
    killedBy: test(
      "engine/driver/driver.concurrent",
      "when onComplete restarts the run: the restart alone begins it",
    ),
  },
  {
    name: "driver: writes steps into a journal that was cut in its turn",
    file: "src/engine/turn/startSteps.ts",
    find: "turn.caller && !recordOnly &&",
    replace: "turn.caller &&",
    killedBy: test(
      "engine/driver/driver.concurrent",
      "an inline step of a driver's turn that restarts the run from its first step leaves nothing in the journal",
    ),
  },
  {
    name: "driver: receives a journal that is too large to pass",
    file: "src/client/turn/execution.ts",
    find: "canBeHeld({ size, rows }) ? known : undefined",
    replace: "known",
    killedBy: test(
      "engine/driver/driver.bounds",
      "past 8,000 steps is read again by each turn",
    ),
  },
  {
    name: "driver: a switch does not reach a run in flight",
    file: "src/engine/step/dispatch.ts",
    find: 'mode === "pool" ||',
    replace: '(mode === "pool" && !turn.caller) ||',
    killedBy: test(
      "engine/driver/driver",
      "from driver to pool while step 0 runs",
    ),
  },
  {
    name: "driver: replaced though it has begun just now",
    file: "src/engine/lifecycle/watchdog.ts",
    find: 'state.kind === "running" && forMs >= LONGEST_JOB_MS',
    replace: 'state.kind === "running"',
    killedBy: test(
      "engine/driver/driver",
      "isn't replaced if it began just before the check",
    ),
  },
  {
    name: "driver: ends without a word, and nobody minds",
    file: "src/engine/lifecycle/watchdog.ts",
    find: ": isSeenAgain || !work.reports;",
    replace: ": !work.reports;",
    killedBy: test(
      "engine/driver/driver.concurrent",
      "a driver that exits without reporting its action's result doesn't leave the run stuck",
    ),
  },
  {
    name: "driver: what it executed is not written down before an inline step",
    file: "src/client/turn/execution.ts",
    find: "if (this.completed) await this.commit(NOTHING, { recordsMore: true });",
    replace: "",
    killedBy: test(
      "engine/driver/driver.concurrent",
      "an inline step of a driver's turn that restarts the run finds the driver's action completed, so the action doesn't run again",
    ),
  },
  {
    name: "driver: takes a turn, and leaves it due",
    file: "src/engine/run/waking.ts",
    find: "if (isDriven) await cancelScheduled(ctx, pendingTurn.scheduledId);",
    replace: "",
    killedBy: test(
      "engine/driver/driver.concurrent",
      "a pending turn that a driver took isn't taken again",
    ),
  },
  {
    name: "driver: holds on, however many runs are driven",
    file: "src/engine/driver/loop.ts",
    find: "return driven.length <= holders;",
    replace: "return true;",
    killedBy: test(
      "engine/driver/driver.bounds",
      "hands over after three seconds while more than four runs have drivers",
    ),
  },
  {
    name: "driver: began late, and holds on all the same",
    file: "src/engine/driver/loop.ts",
    find: "this.startedAt - dueAt - usualLagMs",
    replace: "0",
    killedBy: test(
      "engine/driver/driver.bounds",
      "that began late hands over after its first step",
    ),
  },
  {
    name: "driver: of a mutation takes a slot of the pool",
    file: "src/engine/run/driverState.ts",
    find: "const job = canDrive(run, due, config)",
    replace: "const job = false",
    killedBy: test(
      "engine/lifecycle/cancel",
      "a mutation that has not begun never begins, and leaves the pool",
    ),
  },
  {
    name: "driver: goes on though the pool is paused",
    file: "src/engine/run/driverState.ts",
    find: "config.maxParallelism > 0 &&",
    replace: "",
    killedBy: test(
      "engine/driver/driver.bounds",
      "a running chain stops at its next step",
    ),
  },
  {
    name: "refusals: of writes not known",
    file: "src/engine/platform/platformErrors.ts",
    find: "  /^Too many writes per second/i,\n",
    replace: "",
    killedBy: {
      file: "src/engine/platform/platformErrors.test.ts",
      title:
        "the platform's refusal is recognised: Too many writes per second. Your deployment is limited to 4 MiB per second.",
    },
  },
  {
    name: "refusals: a refused turn is not taken again",
    file: "src/engine/platform/platformErrors.ts",
    find: "!wasRefused(error) && !hadConflict(error)",
    replace: "!hadConflict(error)",
    killedBy: test(
      "engine/platform/platformErrors",
      "of a driver's turn lets the driver retry it after a backoff",
    ),
  },
  {
    name: "queries: executed by the transaction that records them",
    file: "src/shared/driverProtocol.ts",
    find: 'functionType !== "action" && functionType !== "query"',
    replace: 'functionType !== "action"',
    killedBy: test(
      "engine/step/invoke",
      "runs outside any transaction, so its run doesn't conflict with the data that it reads",
    ),
  },
  {
    name: "retries: a failure that was recorded is counted again",
    file: "src/engine/run/driverState.ts",
    find: "if (!run || !isAttached(run, id.driver)) return null;",
    replace: "if (!run?.driver) return null;",
    killedBy: test(
      "engine/step/retries",
      "a failure counts once even if it is reported several times",
    ),
  },
  {
    name: "retries: each left to the pool",
    file: "src/engine/step/attempts.ts",
    find: "row.drivenBy !== undefined && row.drivenBy === run.drivers",
    replace: "row.drivenBy === 0",
    killedBy: test(
      "engine/step/retries",
      "no driver waits, not even 400 ms, because another one is scheduled for each attempt",
    ),
  },
  {
    name: "retries: a driver that waits for its attempt counts as one that drives",
    file: "src/engine/run/driverState.ts",
    find: "driver: { ...job, checkId, startedAt },",
    replace: "driver: { ...job, checkId, startedAt: now },",
    killedBy: test(
      "engine/step/retries",
      "a run doesn't count towards runs with drivers",
    ),
  },
  {
    name: "retries: driven though the pool is to execute the run",
    file: "src/engine/step/attempts.ts",
    find: '(run.execution ?? config.execution) !== "pool"',
    replace: "config.execution !== undefined",
    killedBy: test(
      "engine/step/retries",
      "a run that is switched to the pool continues there",
    ),
  },
  {
    name: "runs: one reads what others have in flight",
    file: "src/engine/run/runs.ts",
    find: '.eq("workflowId", workflowId)\n        .gt("_creationTime", after),',
    replace: '.lte("workflowId", workflowId),',
    killedBy: INDEPENDENCE,
  },
  {
    name: "runs: each writes the config",
    file: "src/engine/platform/workpool.ts",
    find: "if (isNew) await saveConfig(ctx, {});",
    replace: "await saveConfig(ctx, {});",
    killedBy: INDEPENDENCE,
  },
  {
    name: "progress: a step's older one outlives the run's",
    file: "src/engine/run/progress.ts",
    find: "if (driven?.progress !== undefined)",
    replace: "if (!driven)",
    killedBy: {
      file: "src/engine/run/progress.test.ts",
      title:
        "may set progress after it asked for the driver's next step, and the next turn doesn't undo that",
    },
  },
  {
    name: "progress: lost with the step that held it",
    file: "src/engine/turn/commit.ts",
    find: "progress ??= row.progress as unknown;",
    replace: "",
    killedBy: {
      file: "src/engine/run/progress.test.ts",
      title: "that ends the run without its handler keeps the progress",
    },
  },
  {
    name: "driver: detached although the turn delivers a refused step",
    file: "src/engine/turn/commit.ts",
    find: "!turn.hasMore && rows.some(isUndelivered)",
    replace: "false",
    killedBy: {
      file: "src/engine/driver/driver.test.ts",
      title: "because of half a character, the next mutation is executed",
    },
  },
  {
    name: "driver: given a step although its run no longer has it",
    file: "src/engine/step/dispatch.ts",
    find: "isAttached(run, caller.driver) &&",
    replace: "",
    killedBy: {
      file: "src/engine/driver/driver.test.ts",
      title: "a step of a driver that its run no longer has starts a new one",
    },
  },
];
