import { CONSOLE_DEFECTS } from "./consoleDefects.mjs";
import { DRIVER_DEFECTS } from "./driverDefects.mjs";
import { MANAGEMENT_DEFECTS } from "./managementDefects.mjs";
import { PATCH_DEFECTS } from "./patchDefects.mjs";
import { RECOVERY_DEFECTS } from "./recoveryDefects.mjs";
import { TESTING_DEFECTS } from "./testingDefects.mjs";

/**
 * Plausible one-line defects. Each has a file, the text to find, which must occur once, and its replacement.
 * `killedBy` names the test that must then fail.
 */

const random = (file) => `src/testing/random/${file}.test.ts`;

const PREDICTED = {
  file: random("core"),
  title:
    "random programs do what the oracle predicts, in whatever order results arrive",
};
const FAULTS = {
  file: random("faults"),
  title:
    "whatever fails where, each result is recorded once and every run ends",
};
const lateRejection = (name) => ({
  file: "src/client/environment/lateRejections.test.ts",
  title: `a rejection that comes before its handler: ${name}`,
});
const EVERY_BOUNDARY = {
  file: random("everyBoundary"),
  title: "a run survives each fault that can happen to it, one at a time",
};

const BESIDE_TEXT = (value) => ({
  file: "src/engine/turn/journal.test.ts",
  title: `returns the steps around ${value} as values, which text can't hold, and others as text`,
});

export const DEFECTS = [
  {
    name: "journal: -0 passed as text",
    file: "src/shared/storable.ts",
    find: "(value === 0 && 1 / value < 0)",
    replace: "false",
    killedBy: BESIDE_TEXT("-0"),
  },
  {
    name: "journal: bytes passed as text",
    file: "src/shared/storable.ts",
    find: "if (form) form.isJson = false;\n    return getConvexSize",
    replace: "return getConvexSize",
    killedBy: BESIDE_TEXT("bytes"),
  },
  {
    name: "journal: text passed however large it is",
    file: "src/engine/turn/journalRows.ts",
    find: "return fits ? texts : ",
    replace: "return true ? texts : ",
    killedBy: {
      file: "src/engine/turn/journal.test.ts",
      title:
        "returns the largest journal, of characters that text escapes, in at most 15 MiB",
    },
  },
  {
    name: "replay: places of results ignored",
    file: "src/client/replay/replay.ts",
    find: "journal[a]!.delivery!.order - journal[b]!.delivery!.order",
    replace: "a - b",
    killedBy: PREDICTED,
  },
  {
    name: "replay: place of a result not stored",
    file: "src/client/replay/replay.ts",
    find: "this.deliveries.push({ stepNumber, delivery: entry.delivery });",
    replace: "",
    killedBy: PREDICTED,
  },
  {
    name: "replay: steps asked for not counted in a result's place",
    file: "src/client/replay/replay.ts",
    find: "issued: this.issued.length }",
    replace: "issued: 0 }",
    killedBy: PREDICTED,
  },
  {
    name: "replay: results of one time delivered last asked first",
    file: "src/client/replay/replay.ts",
    find: "a.stepNumber < b.stepNumber",
    replace: "a.stepNumber > b.stepNumber",
    killedBy: {
      file: "src/client/replay/order.test.ts",
      title: "by completion time, and by step number if the time is the same",
    },
  },
  {
    name: "replay: results delivered latest first",
    file: "src/client/replay/replay.ts",
    find: "a.entry!.completedAt! - b.entry!.completedAt!",
    replace: "b.entry!.completedAt! - a.entry!.completedAt!",
    killedBy: PREDICTED,
  },
  {
    name: "replay: result of an inline step not recorded",
    file: "src/client/replay/replay.ts",
    find: "      completed,\n",
    replace: "",
    killedBy: PREDICTED,
  },
  {
    name: "replay: place of an inline step not stored",
    file: "src/client/replay/replay.ts",
    find: "if (isDelivered) step.completed.delivery = this.place();",
    replace: "",
    killedBy: PREDICTED,
  },
  {
    name: "replay: steps in flight started again",
    file: "src/client/replay/replay.ts",
    find: "if (entry && !entry.unstarted)",
    replace: "if (entry?.outcome)",
    killedBy: PREDICTED,
  },
  {
    name: "replay: time of the turn instead of the step's",
    file: "src/client/replay/replay.ts",
    find: "this.journal[this.issued.length]?.startedAt ?? this.ports.now",
    replace: "this.ports.now",
    killedBy: PREDICTED,
  },
  {
    name: "replay: the handler is given the journal's own results",
    file: "src/client/replay/stepPromise.ts",
    find: "const outcome = copyOf(recorded);",
    replace: "const outcome = recorded;",
    killedBy: {
      file: "src/client/replay/handlerValues.test.ts",
      title:
        "a handler may change the result of a mutation in place: the journal keeps what the step returned",
    },
  },
  {
    name: "replay: the handler is given the run's own arguments",
    file: "src/client/turn/execution.ts",
    find: "copyOf(run.args) as never",
    replace: "run.args as never",
    killedBy: {
      file: "src/client/replay/handlerValues.test.ts",
      title:
        "may change its arguments in place, though one turn executes its handler several times",
    },
  },
  {
    name: "replay: arguments not compared",
    file: "src/client/replay/divergence.ts",
    find: "request.unstableArgs || entry.argsOmitted || args === entry.args",
    replace: "args !== undefined",
    killedBy: {
      file: "src/client/replay/divergence.test.ts",
      title: "has an error with the run, the step number, both steps and a fix",
    },
  },
  {
    name: "references: a component's function named by its reference",
    file: "src/client/turn/stepContext.ts",
    find: 'reference?.replace(/^_reference\\/childComponent\\//, "")',
    replace: "reference",
    killedBy: {
      file: "src/client/replay/legacy/replay.test.ts",
      title: "'componentFunctions'",
    },
  },
  {
    name: "references: a handle named by its whole text",
    file: "src/client/turn/stepContext.ts",
    find: 'functionHandle?.replace(/^function:\\/\\//, "")',
    replace: "functionHandle",
    killedBy: {
      file: "src/client/replay/legacy/switch.legacy.test.ts",
      title: "'functionHandles'",
    },
  },
  {
    name: "legacy: steps that the last turn leaves behind start",
    file: "src/client/replay/legacy/replay.ts",
    find: "        hasDropped = true;",
    replace: "        hasDropped = false;",
    killedBy: {
      file: "src/client/replay/legacy/rules.test.ts",
      title: "the next step of a race's loser",
    },
  },
  {
    name: "references: lists record no order",
    file: "src/client/calls.ts",
    find: 'const { order = "asc", paginationOpts = FIRST_PAGE } = args;',
    replace: "const { order, paginationOpts = FIRST_PAGE } = args;",
    killedBy: {
      file: "src/client/replay/legacy/replay.test.ts",
      title: "'lists'",
    },
  },
  {
    name: "start: through a step, any string is taken for a run's id",
    file: "src/client/start.ts",
    find: "const isLegacy = rules?.isLegacy;",
    replace: "const isLegacy = rules !== undefined;",
    killedBy: {
      file: "src/engine/run/start.test.ts",
      title: "an ordinary mutation, enqueued",
    },
  },
  {
    name: "warnings: a run that a step's error fails has no line of its handler",
    file: "src/client/replay/journal.ts",
    find: "request.caller = new Error();",
    replace: "void 0;",
    killedBy: {
      file: "src/shared/logging.test.ts",
      title:
        "a step's error that the handler doesn't catch, with the step's number and name",
    },
  },
  {
    name: "turns: a function that takes no turn is not noticed",
    file: "src/engine/run/callWorkflow.ts",
    find: "if (now && !now.restarting) throw await noTurn(ctx, run);",
    replace: "",
    killedBy: {
      file: "src/engine/run/notAWorkflow.test.ts",
      title:
        "fails as a child with an error that names the child and the component",
    },
  },
  {
    name: "turns: children enqueued past the check",
    file: "src/engine/run/waking.ts",
    find: "    handle: take,",
    replace: "    handle: run.workflowHandle,",
    killedBy: {
      file: "src/engine/run/notAWorkflow.test.ts",
      title:
        "fails as a child with an error that names the child and the component",
    },
  },
  {
    name: "quiesce: handler taken for blocked after one microtask",
    file: "src/client/environment/quiesce.ts",
    find: "const drain = settle ??",
    replace: "const drain = settle ? () => Promise.resolve() :",
    killedBy: PREDICTED,
  },
  {
    name: "quiesce: a handler with a host call pending is taken for blocked",
    file: "src/client/environment/quiesce.ts",
    find: "if (calls.areAnswered) return;",
    replace: "return;",
    killedBy: {
      file: "src/client/environment/platform.test.ts",
      title: "waits for any number of consecutive host calls",
    },
  },
  {
    name: "trials: a turn that crashed because of a rejection fails its run",
    file: "src/engine/turn/trials.ts",
    find: "if (isLegacy(run) || isVerdict(run, text)) return text;",
    replace: "return text;",
    killedBy: lateRejection("handledAfterASleep"),
  },
  {
    name: "trials: a turn that crashed because of a timer is retried",
    file: "src/engine/turn/trials.ts",
    find: "if (advice) return `${text}\\n${advice}`;",
    replace: "",
    killedBy: {
      file: "src/client/environment/lateRejections.test.ts",
      title:
        "a turn that uses a timer fails its run, even while steps are in flight",
    },
  },
  {
    name: "trials: a result that was held back is not tried again",
    file: "src/client/replay/replay.ts",
    find: "entry!.heldBack!.shown !== this.delivered",
    replace: "!this",
    killedBy: lateRejection("handledAfterManySteps"),
  },
  {
    name: "trials: a turn delivers other results beside the one it tries",
    file: "src/client/replay/replay.ts",
    find: "if (ports.trials) return await this.tryFirst(ports.trials);",
    replace:
      "if (ports.trials && !this.isTried) return await this.tryFirst(ports.trials);",
    killedBy: lateRejection("collectedInOrder"),
  },
  {
    name: "trials: a turn delivers the result of an inline step beside the one it tries",
    file: "src/client/replay/replay.ts",
    find: "const isDelivered = !this.settled && !ports.trials;",
    replace: "const isDelivered = !this.settled;",
    killedBy: lateRejection("inline"),
  },
  {
    name: "rejections: what a handler leaves rejected is not noticed in Node",
    file: "src/client/environment/rejections.ts",
    find: "if (rejections) rejections.push(reason);",
    replace: "if (rejections) return;",
    killedBy: lateRejection("awaitedByNobodyElse"),
  },
  {
    name: "waits: an awaited step seems to be awaited by nobody",
    file: "src/client/replay/stepPromise.ts",
    find: "this.hasSubscriber = true;",
    replace: "this.hasSubscriber = false;",
    killedBy: PREDICTED,
  },
  {
    name: "waits: a race taken for Promise.all",
    file: "src/client/replay/combinators.ts",
    find: 'more.length > 0 || only.kind === "race"',
    replace: "more.length > 0",
    killedBy: {
      file: "src/client/replay/combinators.test.ts",
      title: "any member of a Promise.race",
    },
  },
  {
    name: "waking: last success of Promise.all wakes nobody",
    file: "src/engine/run/waking.ts",
    find: "return !succeeded || (await isLastOfGroup(ctx, row));",
    replace: "return !succeeded;",
    killedBy: {
      file: "src/engine/step/parallel.test.ts",
      title: "Promise.all takes one turn, when the last result is in",
    },
  },
  {
    name: "waking: every success of Promise.all wakes",
    file: "src/engine/run/waking.ts",
    find: "return !succeeded || (await isLastOfGroup(ctx, row));",
    replace: "return true;",
    killedBy: {
      file: "src/engine/step/parallel.test.ts",
      title: "Promise.all takes one turn, when the last result is in",
    },
  },
  {
    name: "waking: a turn that begins stays due",
    file: "src/engine/run/waking.ts",
    find: "await updateRun(ctx, run, { pendingTurn: undefined });",
    replace: "",
    killedBy: {
      file: random("backend"),
      title: "programs do what the oracle predicts: pool",
    },
  },
  {
    name: "waking: nobody learns that a turn failed",
    file: "src/engine/run/waking.ts",
    find: 'exclude: ["success"]',
    replace: 'exclude: ["success", "failed"]',
    killedBy: EVERY_BOUNDARY,
  },
  {
    name: "execution: nobody learns that a step's transaction failed",
    file: "src/engine/step/dispatch.ts",
    find: 'exclude: ["success"]',
    replace: 'exclude: ["success", "failed"]',
    killedBy: EVERY_BOUNDARY,
  },
  {
    name: "fence: completions of an earlier generation taken",
    file: "src/engine/run/runs.ts",
    find: "return run?.generationNumber === generationNumber ? run : null;",
    replace: "return run;",
    killedBy: {
      file: "src/engine/lifecycle/fencing.test.ts",
      title:
        "the function of a query or mutation step of an earlier generation doesn't run",
    },
  },
  {
    name: "fence: turns of an earlier generation taken",
    file: "src/engine/driver/begin.ts",
    find: "run.generationNumber !== generationNumber || run.restarting",
    replace: "run.restarting",
    killedBy: {
      file: "src/engine/lifecycle/fencing.test.ts",
      title: "a turn of an earlier generation, an ended run or a deleted run",
    },
  },
  {
    name: "fence: generation not raised by cancel",
    file: "src/engine/lifecycle/cancel.ts",
    find: "const generationNumber = run.generationNumber + 1;",
    replace: "const { generationNumber } = run;",
    killedBy: {
      file: "src/engine/lifecycle/cancel.test.ts",
      title:
        "a running action that finishes is ignored quietly and not retried (pool)",
    },
  },
  {
    name: "fence: generation not raised by restart",
    file: "src/engine/lifecycle/restart.ts",
    find: "generationNumber: run.generationNumber + 1,",
    replace: "",
    killedBy: {
      file: "src/engine/lifecycle/fencing.test.ts",
      title: "a turn of an earlier generation, an ended run or a deleted run",
    },
  },
  {
    name: "completing: a second result replaces the first",
    file: "src/engine/step/completing.ts",
    find: "if (!row?.step.inProgress || row.unstarted) return null;",
    replace: "if (!row || row.unstarted) return null;",
    killedBy: FAULTS,
  },
  {
    name: "retries: an attempt that another followed is reported again",
    file: "src/engine/step/poolReports.ts",
    find: "step.workId !== undefined && step.workId !== workId",
    replace: "false",
    killedBy: {
      file: random("regressions"),
      title:
        "an attempt whose failure is reported twice is followed by one attempt, not two",
    },
  },
  {
    name: "retries: one attempt too many",
    file: "src/shared/retry.ts",
    find: "(step.failedAttempts ?? 0) + 1 < step.retry.maxAttempts",
    replace: "(step.failedAttempts ?? 0) < step.retry.maxAttempts",
    killedBy: {
      file: "src/engine/step/retries.test.ts",
      title: "is retried as documented, with retry: true",
    },
  },
  {
    name: "retries: RetryAfterError ignored",
    file: "src/engine/step/invoke.ts",
    find: "retryAt: readRetryAfter(data),",
    replace: "",
    killedBy: {
      file: "src/engine/step/retries.test.ts",
      title: "is retried after `ms`, however long the policy's backoff is",
    },
  },
  {
    name: "retries: maxBackoffMs ignored",
    file: "src/shared/retry.ts",
    find: "return Math.min(varied(Math.min(exact, LONGEST_BACKOFF_MS)), maxBackoffMs);",
    replace: "return varied(Math.min(exact, LONGEST_BACKOFF_MS));",
    killedBy: {
      file: "src/engine/step/retries.test.ts",
      title: "maxBackoffMs limits each backoff, driver",
    },
  },
  {
    name: "evaluation: a workflow's validators built with its module",
    file: "src/client/define.ts",
    find: "    get args() {\n      return argsOfMutation(args);\n    },",
    replace: "    args: argsOfMutation(args),",
    killedBy: {
      file: "tools/evaluation.test.ts",
      title: "makes at most a third as many calls when it is evaluated",
    },
  },
  {
    name: "parsing: fields that the validator doesn't name are kept",
    file: "src/client/parse.ts",
    find: "          return [key, undefined];",
    replace: "          return [key, field];",
    killedBy: {
      file: "src/client/parse.newest.test.ts",
      title: "has the result of convex-helpers for each value: object (16)",
    },
  },
  {
    name: "parsing: the table of an id not checked",
    file: "src/client/parse.ts",
    find: "tables.normalizeId(table, value) !== null",
    replace: "true",
    killedBy: {
      file: "src/client/parse.test.ts",
      title: "checks the tables of ids, including system tables",
    },
  },
  {
    name: "options: unknown ones ignored",
    file: "src/client/options.ts",
    find: "if (given[key] === undefined || known.includes(key)) continue;",
    replace: "if (key) continue;",
    killedBy: {
      file: "src/client/mistakes.test.ts",
      title: "start: an unknown option",
    },
  },
  {
    name: "options: undefined ones refused",
    file: "src/client/options.ts",
    find: "if (given[key] === undefined || known.includes(key)) continue;",
    replace: "if (known.includes(key)) continue;",
    killedBy: {
      file: "src/client/mistakes.test.ts",
      title:
        "undefined options and a spread definition from untyped code are accepted",
    },
  },
  {
    name: "onComplete: context not validated",
    file: "src/client/manager.ts",
    find: "args: vOnCompleteArgs(context, returnValue),",
    replace: "args: vOnCompleteArgs(undefined, returnValue),",
    killedBy: {
      file: "src/client/onComplete.test.ts",
      title: "refuses another context, which is kept in onCompleteFailures",
    },
  },
  {
    name: "events: sent to one that was only created, although a step waits",
    file: "src/engine/step/events.ts",
    find: '(await oldestEvent(ctx, runId, name, "waiting")) ??',
    replace: "",
    killedBy: {
      file: "src/engine/step/events.test.ts",
      title:
        "an event sent by name goes to the step that waits, not to an event that was only created",
    },
  },
  {
    name: "events: waiter not withdrawn by its timeout",
    file: "src/engine/step/timer.ts",
    find: "await undoWait(ctx, row);",
    replace: "",
    killedBy: {
      file: "src/engine/step/events.timeout.test.ts",
      title:
        "the transaction that times a wait out also withdraws it, and a later event is kept for the next wait",
    },
  },
  {
    name: "events: timer not canceled when the event comes",
    file: "src/engine/step/eventWait.ts",
    find: "if (awaited.row.timer)",
    replace: "if (!awaited.row)",
    killedBy: {
      file: "src/engine/step/events.timeout.test.ts",
      title: "an event that comes in time cancels the timer",
    },
  },
  {
    name: "restart: places after the cut kept",
    file: "src/engine/lifecycle/restart.ts",
    find: "delivery.issued > from",
    replace: "delivery.issued > Infinity",
    killedBy: {
      file: "src/engine/lifecycle/restart.inFlight.test.ts",
      title: "and were delivered after the cut count as new",
    },
  },
  {
    name: "ending: onComplete called twice",
    file: "src/engine/lifecycle/end.ts",
    find: "  await callOnComplete(ctx, run, config, outcome.failure);\n",
    replace: "  await callOnComplete(ctx, run, config);\n".repeat(2),
    killedBy: FAULTS,
  },
  {
    name: "watchdog: a run whose end crashed is not ended",
    file: "src/engine/lifecycle/watchdog.ts",
    find: "if (result) await endWithoutCallback(ctx, run, result, crash.error);\n      else",
    replace: "if (!result)",
    killedBy: FAULTS,
  },
  {
    name: "cleanup: events left behind",
    file: "src/engine/lifecycle/cleanup.ts",
    find: 'await ctx.db.delete("events", event._id);',
    replace: "",
    killedBy: FAULTS,
  },
  ...CONSOLE_DEFECTS,
  ...DRIVER_DEFECTS,
  ...MANAGEMENT_DEFECTS,
  ...PATCH_DEFECTS,
  ...RECOVERY_DEFECTS,
  ...TESTING_DEFECTS,
];
