import type {
  FunctionArgs,
  FunctionReference,
  FunctionType,
} from "convex/server";
import type { ComponentApi } from "../../component/_generated/component.js";
import { isLegacy, REPLAY_VERSION } from "../../shared/replayVersion.js";
import { describeFailure } from "../../shared/failures.js";
import {
  INLINE_MS_AFTER_REPLAY,
  INLINE_MS_PER_TURN,
  INLINE_STEPS_PER_TURN,
  INLINE_STEPS_WITHOUT_CLOCK,
  MAX_JOURNAL_BYTES,
  NEW_BYTES_PER_TURN,
  NEW_STEPS_PER_TURN,
  DELIVERED_BYTES_PER_TURN,
  DELIVERIES_PER_TURN,
} from "../../shared/limits.js";
import {
  storableOutcome,
  type Outcome,
  type RunResult,
} from "../../shared/outcome.js";
import type { Origin } from "../../shared/origin.js";
import { isStoredAs, shortenError, sizeOf } from "../../shared/storable.js";
import {
  isHalfUnused,
  isHalfUnusedBy,
  mayBeLimit,
  mayHaveWritten,
  limitsAfterReserving,
  transactionMetrics,
  type Reserve,
} from "../../shared/transactionBudget.js";
import { canBeHeld, drivenStep } from "../../shared/driverProtocol.js";
import {
  toEntry,
  type Begun,
  type Drive,
  type DriveReply,
  type Run,
  type StepRow,
} from "./journalEntry.js";
import { journalTooLarge, resultOf } from "./runResults.js";
import {
  createEnvironment,
  type Environment,
} from "../environment/environment.js";
import { handlerLine } from "./handlerLine.js";
import { createQuiesce, settle } from "../environment/quiesce.js";
import { trackingCombinators } from "../replay/combinators.js";
import { copyOf } from "../replay/copy.js";
import type { JournalEntry, StepRequest } from "../replay/journal.js";
import { stepOfError } from "../replay/stepErrors.js";
import { LegacyReplay } from "../replay/legacy/replay.js";
import { Replay } from "../replay/replay.js";
import {
  isEmpty,
  type InlineRun,
  type InlineTurn,
  type RunEnd,
  type TurnEnd,
  type TurnLimits,
  type TurnPorts,
  type TurnRecord,
} from "../replay/turn.js";
import { newStepArgs, requestProblem, type NewStepArgs } from "./stepRow.js";
import { componentName, createStepContext } from "./stepContext.js";
import type { AppMutationCtx } from "../types.js";
import type { WorkflowId } from "../ids.js";
import type { Workflow } from "../context.js";

/** A step would make the journal exceed its limit. */
class JournalTooLarge extends Error {
  constructor(readonly at: Begun["tooLarge"] & object) {
    super("journal too large");
  }
}

/** The approximate size of a row without its arguments and result. */
const ROW_OVERHEAD = 300;

const FULL_LIMITS: TurnLimits = {
  newSteps: NEW_STEPS_PER_TURN,
  newBytes: NEW_BYTES_PER_TURN,
  deliveries: DELIVERIES_PER_TURN,
  deliveredBytes: DELIVERED_BYTES_PER_TURN,
};

/** The limits after an inline step has used half of the transaction. */
const LAST_LIMITS: TurnLimits = {
  newSteps: 0,
  newBytes: 0,
  deliveries: 0,
  deliveredBytes: 0,
};

/**
 * The budget that a turn needs after an inline step to record that step's result, the steps that precede it, and at
 * least one row in flight. `LAST_LIMITS` allows no more.
 */
function reserveFor(unwritten: InlineTurn["unwritten"]): Reserve {
  const { steps, bytes } = unwritten;
  return {
    documentsRead: 64 + 4 * steps,
    documentsWritten: 32 + 5 * steps,
    databaseQueries: 64 + 3 * steps,
    functionsScheduled: 8 + 2 * steps,
    scheduledFunctionArgsBytes: 256 * 1024,
    bytesRead: 2.25 * (1 << 20),
    bytesWritten: 2.25 * (1 << 20) + 2 * bytes,
  };
}

/** One execution of the handler in its mutation. */
export class Execution {
  /** Read once, because the time is constant within a transaction on the platform, but not in convex-test. */
  private readonly now = Date.now();
  private readonly limits = { ...FULL_LIMITS };
  private readonly row: Run;
  private readonly journal: JournalEntry[];
  /** The journal's rows when the turn began. */
  private readonly loaded: StepRow[];
  private replay!: RunReplay;
  /** The turn's elapsed milliseconds when its first inline step was due. */
  private inlineSince: number | undefined;
  private journalSize: number;
  /** The step that the driver executed, until it is recorded. */
  private completed: Begun["completed"];
  /** The run's result, if this turn ends it. */
  private runResult: RunResult | undefined;
  /** The progress that the handler set since its recorded steps, and the one that is stored. */
  private progress: unknown;
  private storedProgress: unknown;

  constructor(
    private readonly ctx: AppMutationCtx,
    private readonly workflow: Workflow,
    private readonly begun: Begun,
    /** The journal's rows. The turn replaces those that it changes. */
    private readonly rows: StepRow[],
    private readonly drive: Drive | undefined,
    /** Milliseconds since the turn began, in real time. */
    private readonly elapsed: () => number,
  ) {
    const { completed } = begun;
    this.row = begun.workflow;
    this.journalSize = begun.journalSize;
    this.completed = completed;
    const holder = rows.find(({ step }) => step.inProgress);
    this.storedProgress = holder?.progress ?? begun.workflow.progress;
    this.loaded = [...rows];
    if (completed) {
      const { stepNumber, result: runResult, failure } = completed;
      const { step } = rows[stepNumber]!;
      const ended = { inProgress: false, runResult, completedAt: this.now };
      this.change(stepNumber, { step: { ...step, ...ended }, failure });
      this.journalSize += sizeOf(runResult) + sizeOf(failure);
    }
    this.journal = rows.map((row) => this.toEntry(row));
  }

  /** Executes and commits the turn. Returns the driver's next step, or else the run's result, if there is one. */
  async run() {
    const isCurrent = await this.execute();
    const { runResult } = this;
    // If the run was canceled or restarted, this driver has nothing left to do.
    const reply = isCurrent ? this.reply() : undefined;
    // The driver still executes a step that the last turn asked for, unless `onComplete` prevents it.
    if (reply && runResult) reply.next.unsure = true;
    return reply ?? (runResult && { kind: "complete" as const, runResult });
  }

  /** Executes the turn. Returns false if the run was canceled or restarted meanwhile. */
  private async execute(): Promise<boolean> {
    try {
      for (let round = 0; round < ROUNDS_PER_TURN; round++) {
        const { kind } = await this.runOnce();
        if (kind !== "again") return kind !== "fenced";
      }
      return (await this.commit({ ...NOTHING, hasMore: true })) !== null;
    } catch (error) {
      if (!(error instanceof JournalTooLarge)) throw error;
      const runResult = journalTooLarge(this.row._id, error.at);
      const end = { runResult, origin: this.origin() };
      return (await this.commit(NOTHING, { end })) !== null;
    }
  }

  /** The reply to the driver. Undefined if there is no step for it to execute. */
  private reply(): DriveReply | undefined {
    const { begun, drive, rows, loaded, journalSize: size } = this;
    if (!drive) return undefined;
    const isWhole = begun.journal !== undefined;
    const known = isWhole ? rows : rows.filter((row, at) => row !== loaded[at]);
    const next = known.find(
      ({ drivenBy, step }) => drivenBy === drive.driver && step.inProgress,
    );
    return (
      next && {
        kind: "driving",
        next: drivenStep(next),
        revision: this.row.revision ?? 0,
        logLevel: begun.logLevel,
        isWhole,
        rows: canBeHeld({ size, rows }) ? known : undefined,
      }
    );
  }

  /** Returns where the run ended, for the log. */
  private origin(end?: RunEnd): Origin {
    const { asked } = this.replay;
    const thrown = end?.kind === "threw" ? end.error : undefined;
    const ofStep = asked.indexOf(stepOfError(thrown)!);
    const failed = ofStep >= 0;
    const stepNumber = failed ? ofStep : asked.length - 1;
    const request = asked[stepNumber];
    const row = this.rows[stepNumber]?.step;
    const child = row && "workflowId" in row ? row.workflowId : undefined;
    return {
      step: request && { stepNumber, name: request.name, failed, child },
      line: handlerLine(failed ? request!.caller : thrown),
      unawaited: this.replay
        .unawaited()
        .slice(0, MAX_WARNINGS)
        .map((step) => ({ ...step, error: shortenError(step.error, 1024) })),
    };
  }

  private async runOnce(): Promise<TurnEnd> {
    const { workflow, row: run, journal } = this;
    const rules = {
      isLegacy: isLegacy(run),
      component: componentName(workflow.component),
      workflowId: run._id as WorkflowId,
    };
    const environment = createEnvironment({
      runId: run._id,
      now: () => replay.now(),
      isLive: () => replay.live,
      combinators: rules.isLegacy ? undefined : trackingCombinators(),
    });
    const ports = this.ports(environment);
    const replay = createReplay(run, journal, ports, workflow);
    this.replay = replay;
    this.progress = undefined;
    const setProgress = (value: unknown) => {
      // A replayed value is stored only if the run has none, for example after a restart.
      const isNew = replay.live || this.storedProgress === undefined;
      if (isNew) this.progress = value;
    };
    const stepReplay = Object.assign(replay, { setProgress });
    const step = createStepContext(rules, stepReplay, this.ctx.meta);
    try {
      return await replay.run(() =>
        workflow.handler(step, copyOf(run.args) as never),
      );
    } finally {
      environment.leave();
    }
  }

  private ports(environment: Environment): TurnPorts {
    const { ctx, row: run } = this;
    const hostCall = () => ctx.meta.getTransactionMetrics();
    const quiesce = createQuiesce(hostCall, environment.hostCalls);
    return {
      now: this.now,
      hostCall,
      resume: async (begin) => {
        if (settle) await settle();
        environment.enter();
        begin();
        await quiesce();
        // On the platform, nothing else runs between two replayed results, so the globals can stay.
        if (!settle) return;
        await environment.refuseRejections();
        environment.leave();
      },
      runInline: (request, turn) => {
        environment.leave();
        return this.runInline(request, turn);
      },
      // If a driver's turn crashes, the turn is taken again without the driver.
      trials: this.drive ? undefined : run.trials,
      limits: this.limits,
      record: (record) => {
        environment.leave();
        return this.record(record);
      },
    };
  }

  private async runInline(
    request: StepRequest,
    turn: InlineTurn,
  ): Promise<InlineRun | null> {
    const { ctx } = this;
    if (!(await this.hasRoomForInline(turn.inlineSteps))) return null;
    // Its function may read the journal or restart the run, so record the executed step first.
    if (this.completed) await this.commit(NOTHING, { recordsMore: true });
    const before = await transactionMetrics(ctx);
    const outcome = await this.tryInline(request, turn);
    const after = await transactionMetrics(ctx);
    if (!isHalfUnusedBy(after)) Object.assign(this.limits, LAST_LIMITS);
    if (!outcome) return null;
    const { _id: workflowId, generationNumber } = this.row;
    const run = { workflowId, generationNumber };
    const { isCurrent } = this.workflow.component.fence;
    const isFenced =
      mayHaveWritten(before, after) && !(await ctx.runQuery(isCurrent, run));
    return { outcome, isFenced };
  }

  /** A driver's step may have used part of the transaction before the turn's first inline step. */
  private async hasRoomForInline(count: number) {
    const elapsed = this.elapsed();
    this.inlineSince ??= elapsed;
    if (count === 0 && !this.begun.completed) return true;
    // Replaying a long journal may take all of `INLINE_MS_PER_TURN`.
    const until = Math.max(
      INLINE_MS_PER_TURN,
      this.inlineSince + INLINE_MS_AFTER_REPLAY,
    );
    const most =
      elapsed > 0 ? INLINE_STEPS_PER_TURN : INLINE_STEPS_WITHOUT_CLOCK;
    return count < most && elapsed < until && (await isHalfUnused(this.ctx));
  }

  private async tryInline(
    request: StepRequest,
    { inlineSteps, unwritten }: InlineTurn,
  ): Promise<Outcome | null> {
    const { ctx } = this;
    const { target, args } = request;
    const error = requestProblem(request);
    if (error !== undefined) return { result: { kind: "failed", error } };
    const isOnlyCall = inlineSteps === 0 && !this.begun.completed;
    const { fits, transactionLimits } = await limitsAfterReserving(
      ctx,
      reserveFor(unwritten),
      request.transactionLimits,
    );
    if (!fits && !isOnlyCall) return null;
    const options = transactionLimits && { transactionLimits };
    try {
      const returnValue: unknown =
        request.functionType === "query"
          ? await ctx.runQuery(target as Ref<"query">, args, options)
          : await ctx.runMutation(target as Ref<"mutation">, args, options);
      return storableOutcome(request, {
        result: { kind: "success", returnValue },
      });
    } catch (thrown) {
      const { error, failure } = describeFailure(thrown);
      if (!isOnlyCall && mayBeLimit(error)) return null;
      return storableOutcome(request, {
        result: { kind: "failed", error },
        failure,
      });
    }
  }

  /** Records the turn, if it has anything to record. */
  private async record(record: TurnRecord) {
    // A driver without a next step must be detached, even if the turn did nothing.
    const leavesDriver = this.drive !== undefined && this.reply() === undefined;
    const isNothing = isEmpty(record) && !leavesDriver && !this.completed;
    const { progress, storedProgress } = this;
    const isStored =
      progress === undefined || isStoredAs(storedProgress, progress);
    if (isNothing && isStored) return [];
    return await this.commit(record, { end: this.endOf(record.end) });
  }

  private endOf(end: RunEnd | undefined): Commit["end"] {
    if (!end) return undefined;
    const origin = this.origin(end);
    return {
      runResult: resultOf(this.ctx, this.workflow, this.row, end, origin.step),
      failure:
        end.kind === "threw" ? describeFailure(end.error).failure : undefined,
      origin,
    };
  }

  private async commit(
    record: TurnRecord,
    { end, recordsMore }: Pick<Commit, "end" | "recordsMore"> = {},
  ): Promise<JournalEntry[] | null> {
    const { ctx, workflow, row: run, drive, completed, progress } = this;
    const steps: NewStepArgs[] = [];
    for (const step of record.steps) steps.push(await newStepArgs(step));
    this.countSizes(steps);
    this.completed = undefined;
    const rows = await ctx.runMutation(workflow.component.journal.commit, {
      workflowId: run._id,
      generationNumber: run.generationNumber,
      steps,
      workpoolOptions: workflow.workpoolOptions,
      deliveries: record.deliveries.map(({ stepNumber, delivery }) => ({
        stepId: this.journal[stepNumber]!.stepId,
        delivery,
      })),
      waits: record.waits.map(({ stepNumber, condition }) => ({
        stepId: this.journal[stepNumber]!.stepId,
        ...condition,
      })),
      hasMore: record.hasMore,
      trials: record.trials,
      completed,
      caller: drive && {
        driver: drive.driver,
        shouldHandOver: drive.shouldHandOver,
        willReceiveReply: this.begun.completed !== undefined,
      },
      inFlight: this.journal.filter(isExecuting).length,
      progress,
      isAlone: this.journal.every(({ outcome }) => outcome),
      recordsMore,
      end,
    });
    if (!rows) return null;
    this.runResult = end?.runResult;
    this.storedProgress = progress ?? this.storedProgress;
    for (const { stepNumber, delivery } of record.deliveries)
      this.change(stepNumber, { delivery });
    for (const { stepNumber, condition } of record.waits)
      this.change(stepNumber, { group: undefined, ...condition });
    for (const row of rows) this.rows[row.stepNumber] = row;
    return rows.map((row) => this.toEntry(row));
  }

  private change(stepNumber: number, fields: Partial<StepRow>) {
    this.rows[stepNumber] = { ...this.rows[stepNumber]!, ...fields };
  }

  private toEntry(row: StepRow) {
    return toEntry(row, this.row.generationNumber);
  }

  private countSizes(steps: NewStepArgs[]) {
    for (const { step, stepNumber, failure, stepId } of steps) {
      if (stepId !== undefined) continue;
      const { name, args, runResult } = step;
      this.journalSize +=
        ROW_OVERHEAD + sizeOf(args) + sizeOf(runResult) + sizeOf(failure);
      const size = this.journalSize;
      if (size > MAX_JOURNAL_BYTES)
        throw new JournalTooLarge({ size, stepNumber: stepNumber!, name });
    }
  }
}

type Commit = FunctionArgs<ComponentApi["journal"]["commit"]>;

/** The maximum number of unawaited steps that one turn logs. */
const MAX_WARNINGS = 10;

const NOTHING: TurnRecord = {
  steps: [],
  deliveries: [],
  waits: [],
  hasMore: false,
};

const isExecuting = ({ kind, outcome, unstarted }: JournalEntry) =>
  (kind === "function" || kind === "workflow") && !outcome && !unstarted;

/** How often one turn of a run of 0.4 may begin again. Each time, it replays the whole journal. */
const ROUNDS_PER_TURN = 50;

type RunReplay = Replay | LegacyReplay;

/** Chooses the rules that the run began under. */
function createReplay(
  run: Run,
  journal: JournalEntry[],
  ports: TurnPorts,
  { workpoolOptions }: Workflow,
): RunReplay {
  const { engineVersion } = run;
  if (engineVersion === undefined)
    return new LegacyReplay(
      run._id,
      journal,
      ports,
      workpoolOptions?.maxParallelism,
    );
  if (engineVersion > REPLAY_VERSION)
    throw new Error(
      `Workflow ${run._id} was begun by a newer release of @convex-dev/workflow (engine ${engineVersion}, ` +
        `this one knows up to ${REPLAY_VERSION}). Deploy that release again.`,
    );
  return new Replay(run._id, journal, ports);
}

type Ref<Type extends FunctionType> = FunctionReference<Type, "internal">;
