/** Defects in cleanup, cancel and restart, and in events that arrive at the same time. See defects.mjs. */

const test = (file, title) => ({ file: `src/${file}.test.ts`, title });

export const MANAGEMENT_DEFECTS = [
  {
    name: "console: authorize's truthy answers allow",
    file: "src/client/console.ts",
    find: "(await authorize(ctx, { operation, workflowId })) === true",
    replace: "await authorize(ctx, { operation, workflowId })",
    killedBy: test(
      "client/console",
      "that gives a truthy value that isn't true shows nothing, does nothing, and is silent about whether a run exists: only an error is in the log",
    ),
  },
  {
    name: "console: authorize decides about the first of several runs",
    file: "src/client/console.ts",
    find: "for (const id of ids.length > 0 ? ids : [args.workflowId])",
    replace: "for (const id of ids.length > 0 ? [ids[0]] : [args.workflowId])",
    killedBy: test(
      "client/console",
      "decides about each of several runs, one refusal stops them all, and it is asked about no run, too",
    ),
  },
  {
    name: "console: authorize isn't asked about no run",
    file: "src/client/console.ts",
    find: "ids.length > 0 ? ids : [args.workflowId]",
    replace: "args.workflowIds ? ids : [args.workflowId]",
    killedBy: test(
      "client/console",
      "decides about each of several runs, one refusal stops them all, and it is asked about no run, too",
    ),
  },
  {
    name: "sendEvent: strict reaches another run's event by its id",
    file: "src/engine/step/events.ts",
    find: "if (strict && eventId !== undefined && isOther)",
    replace: "if (false as boolean)",
    killedBy: test(
      "client/console",
      "sends an event by id only if it belongs to that run",
    ),
  },
  {
    name: "changeRuns: takes all runs in one transaction",
    file: "src/engine/lifecycle/many.ts",
    find: "if (elapsed() > MS_PER_BATCH || !(await isHalfUnused(ctx))) break;\n  }\n  return result;",
    replace: "}\n  return result;",
    killedBy: test(
      "client/console",
      "return runs that exceed the transaction, for another call",
    ),
  },
  {
    name: "listSummaries: counts steps in flight whatever they hold",
    file: "src/engine/run/listing.ts",
    find: "if (rows.length === max || budget.isSpent) break;",
    replace: "if (rows.length === max) break;",
    killedBy: test(
      "engine/run/paging",
      "steps in flight are counted up to a page's budget",
    ),
  },
  {
    name: "listSummaries: a whole id ignores the other filters",
    file: "src/engine/run/summaries.ts",
    find: "if (!matches(run, asked)) return undefined;",
    replace: "",
    killedBy: test(
      "engine/run/list",
      "idPrefix searches 256 runs per page for ids that begin with it, and finds a whole id at once if it matches the filters",
    ),
  },
  {
    name: "restart: keeps where the run failed",
    file: "src/engine/lifecycle/restart.ts",
    find: "    failedAt: undefined,\n",
    replace: "",
    killedBy: test(
      "engine/run/details",
      "returns a failed run's step and handler line until a restart",
    ),
  },
  {
    name: "counts: an action stops at one transaction's limit",
    file: "src/client/reading.ts",
    find: 'while ("runAction" in ctx && canGoOn())',
    replace: "while (canGoOn() && !canGoOn())",
    killedBy: test(
      "engine/run/list",
      "are exact up to 1,000 in an action, however large the runs are",
    ),
  },
  {
    name: "counts: each status has a fixed share",
    file: "src/engine/run/listing.ts",
    find: "bytes / (open.length - at)",
    replace: "bytes / open.length",
    killedBy: test(
      "engine/run/list",
      "give budget that few runs in progress don't need to completed ones",
    ),
  },
  {
    name: "cancelMany: later batches reach runs that it made start",
    file: "src/engine/lifecycle/many.ts",
    find: "place?.until ?? Math.min(",
    replace: "Math.min(",
    killedBy: test(
      "engine/lifecycle/many",
      "a run that an onComplete starts isn't canceled, so that the call ends: in an action",
    ),
  },
  {
    name: "restartMany: an impossible step left to each run",
    file: "src/engine/lifecycle/many.ts",
    find: 'checkPlace({ from, fromFailure }, "restartMany");',
    replace: "",
    killedBy: test(
      "engine/lifecycle/many",
      'restartMany refuses {"from":-1}, whatever matches',
    ),
  },
  {
    name: "restartMany: children of 0.4 not recognized",
    file: "src/engine/run/runs.ts",
    find: 'return (await ctx.db.get("steps", id))?.workflowId;',
    replace: "return undefined;",
    killedBy: test(
      "client/replay/legacy/managing.legacy",
      "restartMany and cleanupMany skip a child that 0.4 began while its parent is in progress",
    ),
  },
  {
    name: "start: looks once for a run to replace",
    file: "src/engine/lifecycle/keys.ts",
    find: "const MAX_REPLACED = 3;",
    replace: "const MAX_REPLACED = 1;",
    killedBy: test(
      "engine/lifecycle/keys",
      "replaces a run that the canceled one's onComplete starts with it, too",
    ),
  },
  {
    name: "create: a second run with a key",
    file: "src/engine/run/creating.ts",
    find: 'await checkKeyIsFree(ctx, fields, `start "${fields.name}"`);',
    replace: "",
    killedBy: test(
      "engine/lifecycle/keys",
      "the component never creates a second run with a key, even for direct calls",
    ),
  },
  {
    name: "start: a run replaces itself",
    file: "src/engine/lifecycle/keys.ts",
    find: "if (running === starter)",
    replace: "if (!running)",
    killedBy: test(
      "engine/lifecycle/keys",
      "can't replace it, and the error says to start the next run in onComplete",
    ),
  },
  {
    name: "start in a run of 0.4: new options dropped",
    file: "src/client/start.ts",
    find: "manager && isLegacy && startAsync && !hasNewOptions(options)",
    replace: "manager && isLegacy && startAsync",
    killedBy: test(
      "client/replay/legacy/starting.legacy",
      "a run that 0.4 began starts a run with every option: by the manager",
    ),
  },
  {
    name: "sendEvent: the fields of a spread object refused",
    file: "src/client/options.ts",
    find: 'unknown === "spread" && !isForeign',
    replace: 'unknown === "spread"',
    killedBy: test(
      "client/replay/legacy/events.legacy",
      "fields of another object that is spread into an event do no harm: this release",
    ),
  },
  {
    name: "events: a wait after an event of another name logs nothing",
    file: "src/engine/step/eventWait.ts",
    find: "await warnOfOtherNames(ctx, run, row, config);",
    replace: "{}",
    killedBy: test(
      "engine/run/listEvents",
      "a wait for a name logs if only events with other names were sent before or after it",
    ),
  },
  {
    name: "list: a run started at `until` included",
    file: "src/engine/run/listing.ts",
    find: 'equal.gte("_creationTime", since).lt("_creationTime", until)',
    replace: 'equal.gte("_creationTime", since).lte("_creationTime", until)',
    killedBy: test(
      "engine/run/list",
      "lists and counts have exactly the matching runs for any combination, order and page size",
    ),
  },
  {
    name: "counts: one too many counted exactly",
    file: "src/engine/run/listing.ts",
    find: "count === MAX_COUNT ||",
    replace: "count > MAX_COUNT ||",
    killedBy: test(
      "engine/run/list",
      "are exact up to 1,000, and 1000+ beyond",
    ),
  },
  {
    name: "list: shorter page continues after the longer one",
    file: "src/engine/run/paging.ts",
    find: "return { ...shorter, page };",
    replace: "return { ...whole, page };",
    killedBy: test(
      "engine/run/paging",
      "a page of runs that wait for steps with large arguments stays within a transaction's limits, and no item is lost",
    ),
  },
  {
    name: "listSteps: attempts in the room of a result",
    file: "src/engine/step/completing.ts",
    find: "return attempts && size() > MAX_ROW_BYTES ? undefined : attempts;",
    replace: "return size() < 0 ? undefined : attempts;",
    killedBy: test(
      "engine/run/listSteps",
      "a result that fills its row is kept without attempts (pool)",
    ),
  },
  {
    name: "retryOnComplete: failure not deleted",
    file: "src/engine/lifecycle/failures.ts",
    find: 'await ctx.db.delete("onCompleteFailures", row._id);',
    replace: "",
    killedBy: test(
      "engine/lifecycle/onComplete",
      "an onComplete that threw is listed, and retries call it with the same arguments until one commits",
    ),
  },
  {
    name: "cleanupMany: children of running parents cleaned up",
    file: "src/engine/lifecycle/many.ts",
    find: "run ? run.runResult === undefined : false",
    replace: "run === undefined",
    killedBy: test(
      "engine/lifecycle/many",
      "skips runs outside the time range, and children of a parent in progress",
    ),
  },
  {
    name: "restartMany: children restarted beside their parents",
    file: "src/engine/lifecycle/many.ts",
    find: "if (await parentOf(ctx, run)) return false;",
    replace: "",
    killedBy: test(
      "engine/lifecycle/many",
      "restarts failed runs from a step so that each runs once, and skips children and runs without the step",
    ),
  },
  {
    name: "restart: the key of the run may be another's",
    file: "src/engine/lifecycle/restart.ts",
    find: 'await checkKeyIsFree(ctx, run, `restart workflow ${run._id} ("${run.name}")`);',
    replace: "",
    killedBy: test(
      "engine/lifecycle/keys",
      "prevents a restart of its earlier run once another run has it",
    ),
  },
  {
    name: "restart: no new deadline",
    file: "src/engine/lifecycle/restart.ts",
    find: "await scheduleDue(ctx, { ...run, ...begun })",
    replace: "run.dueTask",
    killedBy: test(
      "engine/lifecycle/due",
      "starts again with a restart, which repeats the steps in flight",
    ),
  },
  {
    name: "setProgress: replayed calls stored",
    file: "src/client/turn/execution.ts",
    find: "if (isNew) this.progress",
    replace: "this.progress",
    killedBy: test("engine/run/progress", "a replayed call changes nothing"),
  },
  {
    name: "setProgress: lost if the run ends in the same turn",
    file: "src/engine/run/progress.ts",
    find: "if (ends) run.progress = progress;",
    replace: "if (ends) return;",
    killedBy: test(
      "engine/run/progress",
      "a failed and a canceled run keep their progress",
    ),
  },
  {
    name: "setProgress: lost when its step gets a result outside a turn",
    file: "src/engine/step/completing.ts",
    find: "  await returnProgress(ctx, run, row);\n",
    replace: "",
    killedBy: test(
      "engine/run/progress",
      "a result that is recorded without a turn returns it",
    ),
  },
  {
    name: "setProgress: lost when the workpool takes over its step",
    file: "src/engine/step/attempts.ts",
    find: "  if (!byDriver) await returnProgress(ctx, run, row);\n",
    replace: "",
    killedBy: test(
      "engine/run/progress",
      "the step keeps it until the workpool executes it instead",
    ),
  },
  {
    name: "setProgress: lost when a driven run is canceled",
    file: "src/engine/lifecycle/end.ts",
    find: "(driven?.progress as unknown) ?? run.progress",
    replace: "run.progress as unknown",
    killedBy: test(
      "engine/run/progress",
      "a cancel keeps it, and a restart begins without it",
    ),
  },
  {
    name: "setProgress: too large beside a result",
    file: "src/engine/lifecycle/end.ts",
    find: "    progress: fittingProgress(ended),\n",
    replace: "",
    killedBy: test(
      "engine/run/progress",
      "progress that doesn't fit into a row with arguments or result is omitted, and the run continues",
    ),
  },
  {
    name: "cleanup: function steps in flight dropped",
    file: "src/engine/lifecycle/cleanup.ts",
    find: "if (!run || !inFlight || !functionTypeOf(step)) {",
    replace: "{",
    killedBy: test(
      "engine/lifecycle/cleanup",
      "still run and are retried if they are mutations, queries or actions, now or later",
    ),
  },
  {
    name: "cleanup: retries of an action in flight dropped",
    file: "src/engine/lifecycle/cleanup.ts",
    find: "await updateRun(ctx, run, { cleanedUp: true });",
    replace: 'await ctx.db.delete("workflows", workflowId);',
    killedBy: test(
      "engine/lifecycle/cleanup",
      "still run and are retried if they are mutations, queries or actions, now or later",
    ),
  },
  {
    name: "cleanup: a run whose steps are done stays",
    file: "src/engine/step/completing.ts",
    find: "if (await lastStep(ctx, run._id)) return;",
    replace: "if (run) return;",
    killedBy: test(
      "engine/lifecycle/cleanup",
      "still run and are retried if they are mutations, queries or actions, now or later",
    ),
  },
  {
    name: "cleanup: a run that its onComplete restarted deleted by force",
    file: "src/engine/lifecycle/cleanup.ts",
    find: "if (!run.runResult) return false;",
    replace: "",
    killedBy: test(
      "engine/lifecycle/cleanup",
      "keeps a run that its own onComplete restarts (false)",
    ),
  },
  {
    name: "complete: canceled neither fences nor cancels",
    file: "src/component/workflow.ts",
    find: 'if (runResult.kind === "canceled")',
    replace: "if (!runResult)",
    killedBy: test(
      "engine/turn/journal",
      "with canceled fences the run and cancels its steps and children",
    ),
  },
  {
    name: "complete: stale calls answered silently",
    file: "src/component/workflow.ts",
    find: "    if (problem || !run)\n      throw",
    replace:
      "    if (problem || !run) return null;\n    if (problem)\n      throw",
    killedBy: test(
      "engine/turn/journal",
      "throws without changes for another generation, an ended run or a deleted run",
    ),
  },
  {
    name: "restart: an event given to a wait that is about to be deleted",
    file: "src/engine/step/eventWait.ts",
    find: "run.runResult || run.restarting",
    replace: "run.runResult",
    killedBy: test(
      "engine/lifecycle/lifecycle.large",
      "deletes event waits, and an event that is sent meanwhile reaches the run",
    ),
  },
  {
    name: "restart: created events deleted with the step that awaited them",
    file: "src/engine/step/eventWait.ts",
    find: "if (event.createdByWait || event.sentByName)",
    replace: "if (event)",
    killedBy: test(
      "engine/lifecycle/restart.inFlight",
      "the events that they awaited, except created ones, which can be sent again",
    ),
  },
  {
    name: "restart: children of deleted steps canceled later",
    file: "src/engine/lifecycle/cleanup.ts",
    find: "  await cancelRuns(ctx, [{ workflowId }], new Budget(2 * COST.child));\n",
    replace: "",
    killedBy: test(
      "engine/lifecycle/restart.inFlight",
      "the running children of steps, which are canceled at once and accept no events (false)",
    ),
  },
  {
    name: "events: a run that has ended takes an event",
    file: "src/engine/step/eventWait.ts",
    find: "run.runResult || run.restarting",
    replace: "run.restarting",
    killedBy: test(
      "engine/step/events.ended",
      "an event is kept if it is sent while an ended run's waits are still being dropped",
    ),
  },
  {
    name: "events: the event of a dropped wait deleted",
    file: "src/engine/step/eventWait.ts",
    find: 'if (event?.state.kind === "waiting") await makeCreated(ctx, event);',
    replace: 'if (event) await ctx.db.delete("events", event._id);',
    killedBy: test(
      "engine/step/events.ended",
      "keeps an event that is sent by its waiting step's id until a restart from that step",
    ),
  },
  {
    name: "events: names and ids cut inside a character",
    file: "src/shared/storable.ts",
    find: ": `${beginning(text, MAX_SHOWN_BYTES)}…`;",
    replace: ": `${text.slice(0, 41)}…`;",
    killedBy: test(
      "engine/step/events.refused",
      "where it is awaited, and the step is recorded with the id",
    ),
  },
  {
    name: "events: a huge id and its error recorded whole",
    file: "src/engine/step/eventWait.ts",
    find: "`Event not found: ${abbreviate(eventId)}. Workflow",
    replace: "`Event not found: ${eventId}. Workflow",
    killedBy: test(
      "engine/step/events.refused",
      "where it is awaited, and the step is recorded with the id",
    ),
  },
  {
    name: "start: an ordinary mutation stays done that a step took for a workflow",
    file: "src/engine/step/invoke.ts",
    find: 'if (kind !== "started")',
    replace: "if (kind === null)",
    killedBy: test("engine/run/start", "an ordinary mutation, enqueued"),
  },
  {
    name: "start: a step starts runs of other components",
    file: "src/client/start.ts",
    find: ": rules?.component;",
    replace: ": undefined;",
    killedBy: test("engine/run/start", "a workflow of another instance"),
  },
  {
    name: "turn: a mutation that returns the run's id taken for a workflow",
    file: "src/engine/run/callWorkflow.ts",
    find: 'return kind === "turn" && workflowId === run._id;',
    replace: "return answer === run._id || workflowId === run._id;",
    killedBy: test(
      "engine/run/notAWorkflow",
      "fails as a child with an error that names the child and the component",
    ),
  },
  {
    name: "step: a function that is gone ends its run",
    file: "src/client/turn/stepRow.ts",
    find: "if (mayBeLimit(error)) throw thrown;",
    replace: "throw thrown;",
    killedBy: test(
      "engine/step/steps",
      "a step that calls a missing component fails, and the handler can catch it",
    ),
  },
  {
    name: "task: performed after its first leg",
    file: "src/engine/platform/tasks.ts",
    find: "if (delayUntil(task.dueAt) > 0)",
    replace: "if (false as boolean)",
    killedBy: test(
      "engine/lifecycle/due",
      "comes at its time, though no timer lasts that long",
    ),
  },
  {
    name: "sleep: ends after its first leg",
    file: "src/engine/step/timer.ts",
    find: "if (timer && delayUntil(timer.endsAt) > 0)",
    replace: "if (timer && (false as boolean))",
    killedBy: test(
      "engine/step/steps",
      "takes 2592000000 ms, or no time if that is negative",
    ),
  },
  {
    name: "later: a run begins after its first leg",
    file: "src/engine/lifecycle/scheduled.ts",
    find: "if (delayUntil(dueAt) > 0)",
    replace: "if (false as boolean)",
    killedBy: test(
      "engine/lifecycle/due",
      "comes at its time though somebody canceled its function",
    ),
  },
  {
    name: "deadline: begins at a runAt that has passed",
    file: "src/engine/run/creating.ts",
    find: "Math.max(startsAt, Date.now())",
    replace: "startsAt || Date.now()",
    killedBy: test(
      "engine/lifecycle/due",
      "counts from now if runAt has passed",
    ),
  },
];
