import { expect, test } from "vitest";
import * as client from "../../client/index.js";
import type { EventId, WorkflowId } from "../../client/index.js";
import type { Doc } from "../../component/_generated/dataModel.js";
import {
  advance,
  components,
  drain,
  newBackend,
  rows,
  useBackend,
  type Backend,
} from "../harness.js";
import { manager } from "../app/workflows.js";
import { installPrograms } from "./backend/app.js";
import { runUntilEnded, startProgram } from "./backend/execute.js";
import { checkAtRest } from "./backend/invariants.js";
import { readRuns } from "./backend/journals.js";
import { silenceConsole } from "./backend/quiet.js";
import { restartTimers, useLateTimers } from "./backend/timers.js";
import { same } from "./differences.js";
import { checkEnded, ResultWatch } from "./guarantees.js";
import { generate } from "./generate.js";
import type { Node } from "./program.js";
import { Random } from "./random.js";
import { forEachSeed, onlySeed, seeds } from "./seeds.js";
import { Coverage } from "./coverage.js";

const FILE = "src/testing/random/management.test.ts";
const TITLE =
  "runs, steps and events stay consistent whatever is asked of which run, and when";

const SITUATIONS = [
  "started",
  "sent to a running run",
  "sent to an ended run",
  "sent to a run that is gone",
  "sent by id",
  "sent by id again",
  "canceled",
  "refused to cancel",
  "restarted",
  "refused to restart",
  "cleaned up",
  "cleaned up with steps in flight",
  "refused to clean up",
  "event consumed",
  "started later",
  "timed out",
  "cleaned up by its retention",
  "started with a free key",
  "returned by its key",
  "refused by its key",
  "replaced by its key",
  "refused to restart beside its key",
] as const;
type Situation = (typeof SITUATIONS)[number];

useBackend();
useLateTimers();
silenceConsole();

test(TITLE, { timeout: 3_600_000 }, async () => {
  const coverage = new Coverage("management", SITUATIONS);
  await forEachSeed(seeds(40), FILE, TITLE, async (seed) => {
    const random = new Random(seed);
    restartTimers(random.fork());
    installPrograms();
    await new Operator(random, (situation) => coverage.hit(situation)).work();
  });
  if (onlySeed === undefined) coverage.report();
});

/** Starts and manages runs, and checks the tables after each call. */
class Operator {
  private readonly t: Backend;
  private readonly results = new ResultWatch();
  /** The ids of all runs, including nested and deleted ones. */
  private readonly known = new Set<WorkflowId>();
  /** The events that an existing run has accepted, with their values. */
  private readonly accepted = new Map<string, unknown>();
  private readonly acceptedBy = new Map<string, WorkflowId>();
  /** The results of runs, in each generation. */
  private readonly ends = new Map<string, unknown>();
  private sent = 0;
  /** Runs that were scheduled for cleanup at the last check. */
  private retained: string[] = [];

  constructor(
    private readonly random: Random,
    private readonly note: (situation: Situation) => void,
  ) {
    this.t = newBackend({ execution: random.pick(["driver", "pool"]) });
  }

  async work() {
    const { t, random } = this;
    const calls = random.between(8, 30);
    for (let call = 0; call < calls; call++) {
      if (random.chance(0.7)) await advance(random.pick([0, 20, 200, 1000]));
      await this.callSomething(call);
      await this.check();
    }
    await runUntilEnded(t, random, { meanwhile: () => this.check() });
    await drain();
    await this.check();
    for (const recorded of await readRuns(t)) checkEnded(recorded);
    for (const run of await rows(t, "workflows"))
      if (!run.parent) await this.cleanup(run._id as string as WorkflowId);
    await drain();
    for (const table of ["workflows", "steps", "events"] as const)
      same(`what cleanup leaves of ${table}`, await rows(t, table), []);
    await checkAtRest(t);
  }

  private async callSomething(calls: number) {
    const { random } = this;
    const known = [...this.known];
    if (calls === 0 || random.chance(0.15)) return await this.start();
    const ended = await this.endedWithSteps();
    if (ended && random.chance(0.5)) return await this.cleanup(ended);
    const id = random.pick(known);
    switch (
      random.weighted({
        send: 4,
        sendById: 2,
        cancel: 2,
        restart: 3,
        cleanup: 1,
      })
    ) {
      case "send":
        return await this.send(id, { name: random.pick(["e0", "e1"]) });
      case "sendById":
        return await this.sendById(id);
      case "cancel":
        return await this.cancel(id);
      case "restart":
        return await this.restart(id);
      case "cleanup":
        return await this.cleanup(id);
    }
  }

  private readonly run = async (id: WorkflowId) =>
    (await rows(this.t, "workflows")).find(
      (run) => run._id === (id as string) && !run.cleanedUp,
    );

  /** Returns an ended run with steps in flight, if there is one. */
  private async endedWithSteps(): Promise<WorkflowId | undefined> {
    const inFlight = (await rows(this.t, "steps")).filter(
      ({ step }) => step.inProgress && "functionType" in step,
    );
    const run = (await rows(this.t, "workflows")).find(
      ({ _id, runResult, cleanedUp }) =>
        runResult &&
        !cleanedUp &&
        inFlight.some(({ workflowId }) => workflowId === _id),
    );
    return run && (run._id as string as WorkflowId);
  }

  private async start() {
    const { t, random } = this;
    const size = { steps: random.between(2, 7), children: 1 };
    const program = generate(random.fork(), size);
    const startAsync = random.chance(0.5);
    const { options, now } = this.dueOptions();
    if (random.chance(0.5))
      return await this.startWithKey(program, { ...options, startAsync });
    const id = await startProgram(t, program, { ...options, startAsync });
    this.known.add(id);
    this.note("started");
    if (now) return;
    this.note("started later");
    same("steps of a run that starts later", await this.stepsOf(id), []);
  }

  /** Returns random start options: a deadline, a retention or a later start. */
  private dueOptions(): { options: client.RunStartOptions; now: boolean } {
    const { random } = this;
    const some = (ms: number[]) =>
      random.chance(0.3) ? random.pick(ms) : undefined;
    const retention = {
      completed: some([0, 500, 5000]),
      failed: some([0, 500, 5000]),
      canceled: some([0, 500, 5000]),
    };
    const runAfter = some([100, 1000]);
    const timeout = some([50, 500, 2000]);
    return {
      options: { timeout, retention, runAfter },
      now: runAfter === undefined,
    };
  }

  private async startWithKey(
    program: Node,
    options: client.RunStartOptions & { startAsync: boolean },
  ) {
    const { t, random } = this;
    const key = random.pick(["a", "b"]);
    const ifRunning = random.pick(["return", "throw", "replace"] as const);
    const [before] = (await this.runningBy()).get(key) ?? [];
    const starting = startProgram(t, program, { ...options, key, ifRunning });
    if (before && ifRunning === "throw") {
      await expect(starting).rejects.toMatchObject({
        data: { code: "WORKFLOW_RUNNING", workflowId: before },
      });
      return this.note("refused by its key");
    }
    const id = await starting;
    this.known.add(id);
    if (!before) return this.note("started with a free key");
    if (ifRunning === "return") {
      same("the run that has the key", id, before);
      return this.note("returned by its key");
    }
    same("the run that is replaced", await this.typeOf(before), "canceled");
    this.note("replaced by its key");
  }

  /** Returns the ids of runs in progress by key. */
  private async runningBy() {
    const found = new Map<string, WorkflowId[]>();
    for (const { _id, key, runResult } of await rows(this.t, "workflows")) {
      if (key === undefined || runResult) continue;
      const ids = found.get(key) ?? [];
      found.set(key, [...ids, _id as string as WorkflowId]);
    }
    return found;
  }

  /** Returns undefined if retention has already deleted the run. */
  private async typeOf(id: WorkflowId) {
    return (await this.run(id)) ? (await this.status(id)).type : "canceled";
  }

  private readonly stepsOf = async (id: WorkflowId) =>
    (await rows(this.t, "steps")).filter(
      ({ workflowId }) => workflowId === (id as string),
    );

  private async send(
    id: WorkflowId,
    event: { name: string } | { id: EventId },
  ) {
    const run = await this.run(id);
    const value = `operator's ${this.sent++}`;
    const eventId = await this.t.mutation((ctx) =>
      manager.sendEvent(ctx, { workflowId: id, ...event, value }),
    );
    if (run) this.accepted.set(eventId, value);
    this.acceptedBy.set(eventId, id);
    if (!run) this.note("sent to a run that is gone");
    else
      this.note(
        run.runResult ? "sent to an ended run" : "sent to a running run",
      );
  }

  private async sendById(workflowId: WorkflowId) {
    const events = (await rows(this.t, "events")).filter(
      (event) => event.workflowId === (workflowId as string),
    );
    if (events.length === 0 || this.random.chance(0.3)) {
      const name = this.random.pick(["e0", "e1"]);
      await this.t.mutation((ctx) =>
        manager.createEvent(ctx, { workflowId, name }),
      );
      return;
    }
    const { _id, state } = this.random.pick(events);
    const sending = this.send(workflowId, { id: _id as string as EventId });
    if (state.kind === "created" || state.kind === "waiting") {
      await sending;
      this.note("sent by id");
    } else {
      await expect(sending).rejects.toThrow(`Event already ${state.kind}`);
      this.note("sent by id again");
    }
  }

  private async cancel(id: WorkflowId) {
    const run = await this.run(id);
    const canceling = this.t.mutation((ctx) => manager.cancel(ctx, id));
    if (run && !run.runResult) {
      expect(await canceling).toBe(true);
      same("status", (await this.status(id)).type, "canceled");
      this.note("canceled");
    } else {
      await expect(canceling).rejects.toThrow(id);
      this.note("refused to cancel");
    }
  }

  private async restart(id: WorkflowId) {
    const { t, random } = this;
    const run = await this.run(id);
    const own = await this.stepsOf(id);
    const options = {
      from: random.chance(0.6) ? random.between(0, own.length) : undefined,
      startAsync: random.chance(0.5),
    };
    const consumed = (await rows(t, "events")).filter(
      ({ state }) => state.kind === "consumed",
    );
    const [holder] = (await this.runningBy()).get(run?.key ?? "") ?? [];
    const restarting = t.mutation((ctx) => manager.restart(ctx, id, options));
    if (!run?.runResult) {
      await expect(restarting).rejects.toThrow(id);
      this.note("refused to restart");
      return;
    }
    if (holder) {
      await expect(restarting).rejects.toMatchObject({
        data: { code: "WORKFLOW_RUNNING", workflowId: holder },
      });
      this.note("refused to restart beside its key");
      return;
    }
    await restarting;
    // Events of deleted steps are deleted too, or can be sent again.
    for (const { _id, workflowId } of consumed)
      if (workflowId === (id as string)) this.accepted.delete(_id);
    this.note("restarted");
  }

  private async cleanup(id: WorkflowId) {
    const run = await this.run(id);
    const done = await this.t.mutation((ctx) => manager.cleanup(ctx, id));
    same("what cleanup returns", done, run?.runResult !== undefined);
    if (!done) return this.note("refused to clean up");
    this.note("cleaned up");
    this.retained = this.retained.filter((each) => each !== (id as string));
    await expect(this.status(id)).rejects.toThrow("Workflow not found");
    const left = (await rows(this.t, "workflows")).some(
      ({ _id }) => _id === (id as string),
    );
    if (left) this.note("cleaned up with steps in flight");
  }

  private readonly status = (id: WorkflowId) =>
    this.t.query((ctx) => manager.status(ctx, id));

  private async check() {
    const { t } = this;
    this.results.look(await readRuns(t));
    const runs = new Map<string, Doc<"workflows">>();
    for (const run of await rows(t, "workflows")) {
      runs.set(run._id, run);
      this.known.add(run._id as string as WorkflowId);
      this.checkEnd(run);
    }
    for (const [key, ids] of await this.runningBy())
      if (ids.length > 1)
        throw new Error(`Runs ${ids.join(", ")} share the key "${key}"`);
    await this.checkDue(runs);
    await this.checkList([...runs.values()]);
    const steps = new Map<string, Doc<"steps">>();
    for (const row of await rows(t, "steps")) {
      steps.set(row._id, row);
      const run = runs.get(row.workflowId);
      if (!run) throw new Error(`Step ${row._id} has lost its run`);
      if (run.cleanedUp && !(row.step.inProgress && "functionType" in row.step))
        throw new Error(`Step ${row._id} has survived the cleanup`);
    }
    const events = new Map<string, Doc<"events">>();
    for (const event of await rows(t, "events")) {
      events.set(event._id, event);
      this.checkEvent(event, runs.get(event.workflowId), steps);
    }
    for (const [eventId] of this.accepted)
      if (!events.has(eventId)) this.checkGone(eventId, runs);
  }

  /** Checks that a run has exactly one task while its state needs one. */
  private async checkDue(runs: Map<string, Doc<"workflows">>) {
    const due = (await rows(this.t, "tasks")).filter(
      ({ kind }) => kind === "timeOut" || kind === "expire",
    );
    for (const { _id, kind, args } of due) {
      const { workflowId } = args as { workflowId: string };
      const run = runs.get(workflowId);
      same(`the task due of run ${workflowId}`, run?.dueTask, _id);
      same(`what is due of it`, kind, run!.runResult ? "expire" : "timeOut");
    }
    for (const {
      _id,
      runResult,
      timedOut,
      timeoutMs,
      dueTask,
    } of runs.values()) {
      if (timedOut) this.note("timed out");
      if (!runResult && timeoutMs !== undefined && !dueTask)
        throw new Error(`Run ${_id} has lost its deadline`);
    }
    for (const id of this.retained)
      if (!runs.has(id)) this.note("cleaned up by its retention");
    this.retained = [...runs.values()].flatMap(({ _id, runResult, dueTask }) =>
      runResult && dueTask ? _id : [],
    );
  }

  /** Checks that a run ends once per generation, and has no task left then. */
  private checkEnd({
    _id,
    generationNumber,
    runResult,
    pendingTurn,
  }: Doc<"workflows">) {
    const key = `${_id} in generation ${generationNumber}`;
    const end = JSON.stringify(runResult);
    same(`the end of ${key}`, end, this.ends.get(key) ?? end);
    if (!runResult) return;
    this.ends.set(key, end);
    same(`the turn due of ${key}, which has ended`, pendingTurn, undefined);
  }

  private async checkList(runs: Doc<"workflows">[]) {
    const paginationOpts = { numItems: 1000, cursor: null };
    const { page } = await this.t.query((ctx) =>
      client.list(ctx, components.workflow, { paginationOpts }),
    );
    same(
      "the list of runs",
      page.map(({ workflowId, runResult }) => [workflowId, runResult?.kind]),
      runs
        .filter(({ cleanedUp }) => !cleanedUp)
        .map(({ _id, runResult }) => [_id, runResult?.kind]),
    );
  }

  /** Checks that a step and its event refer to each other, and that an accepted event is kept or was consumed. */
  private checkEvent(
    { _id, state }: Doc<"events">,
    run: Doc<"workflows"> | undefined,
    steps: Map<string, Doc<"steps">>,
  ) {
    if (!run) throw new Error(`Event ${_id} has lost its run`);
    const value = this.accepted.get(_id);
    const step = "stepId" in state ? steps.get(state.stepId)?.step : undefined;
    if (state.kind === "waiting")
      same(
        `event ${_id} waits`,
        [
          run.runResult,
          step?.inProgress,
          step?.kind === "event" && step.eventId,
        ],
        [undefined, true, _id],
      );
    if (state.kind === "consumed") {
      same(
        `the step that consumed event ${_id} is done`,
        step?.inProgress,
        false,
      );
      this.note("event consumed");
    }
    if (value === undefined) return;
    const kept =
      state.kind === "sent"
        ? state.result
        : state.kind === "consumed" && step?.runResult;
    same(`what came of event ${_id}`, kept, {
      kind: "success",
      returnValue: value,
    });
  }

  /** Checks that an event was deleted only together with its run. */
  private checkGone(eventId: string, runs: Map<string, Doc<"workflows">>) {
    const run = runs.get(this.acceptedBy.get(eventId)!);
    if (run && !run.cleanedUp) throw new Error(`Event ${eventId} was lost`);
    this.accepted.delete(eventId);
  }
}
