import type { RunResult } from "@convex-dev/workpool";
import {
  createFunctionHandle,
  type FunctionArgs,
  type FunctionReference,
  type FunctionType,
} from "convex/server";
import { validate } from "convex-helpers/validators";
import type { PropertyValidators } from "convex/values";
import { v } from "convex/values";
import { describeFailure } from "../shared/failures.js";
import {
  INLINE_STEPS_PER_TURN,
  MAX_JOURNAL_BYTES,
  NEW_BYTES_PER_TURN,
  NEW_STEPS_PER_TURN,
  SHOWN_BYTES_PER_TURN,
} from "../shared/limits.js";
import { storableOutcome, type Outcome } from "../shared/outcome.js";
import { sizeOf } from "../shared/storable.js";
import {
  createEnvironment,
  explainMissingGlobal,
} from "./environment/environment.js";
import { createQuiesce } from "./environment/quiesce.js";
import { toEntry, type Run } from "./entries.js";
import type { JournalEntry } from "./replay/journal.js";
import { trackingCombinators } from "./replay/combinators.js";
import { LegacyReplay } from "./replay/legacy/replay.js";
import { EngineReplay } from "./replay/replay.js";
import type { NewStep, TurnEnd, TurnPorts, TurnRecord } from "./replay/turn.js";
import {
  createStepContext,
  nameOf,
  type WorkflowRequest,
} from "./stepContext.js";
import { hasRoom } from "./transactionRoom.js";
import type {
  AppMutationCtx,
  ReturnsValidator,
  WorkflowComponent,
  WorkpoolOptions,
} from "./types.js";
import type { WorkflowId } from "./validators.js";
import type { WorkflowCtx } from "./context.js";

/** A workflow as its mutation knows it. */
export interface Workflow {
  component: WorkflowComponent;
  args?: PropertyValidators;
  returns?: ReturnsValidator;
  workpoolOptions?: WorkpoolOptions;
  handler: (step: WorkflowCtx, args: never) => Promise<unknown>;
}

/** The engine whose rules this package knows. A run's rules are those it began under. */
const ENGINE_VERSION = 1;

/**
 * Executes one turn of a run. Returns the run's result if this turn ended it.
 *
 * Throws, so that nothing of the turn remains, when the handler can't be replayed over the journal.
 */
export async function takeTurn(
  ctx: AppMutationCtx,
  workflow: Workflow,
  turn: { workflowId: string; generationNumber: number },
): Promise<RunResult | null> {
  const begun = await ctx.runMutation(
    workflow.component.journal.beginTurn,
    turn,
  );
  if (!begun) return null;
  const run = begun.workflow;
  const end = async (runResult: RunResult) => {
    await ctx.runMutation(workflow.component.workflow.complete, {
      ...turn,
      runResult,
    });
    return runResult;
  };
  if (begun.tooLarge)
    return await end(journalTooLarge(run._id, begun.tooLarge));
  const rows = begun.journal.flat();
  if (isLegacy(run) && begun.blocked) return null;
  const refused = rows.length === 0 && whyArgsRefused(ctx, workflow, run);
  if (refused) return await end({ kind: "failed", error: refused });
  const execution = new Execution(ctx, workflow, run, begun.journalSize);
  try {
    const ended = await execution.run(rows.map(toEntry));
    const result = resultOf(ctx, workflow, run, ended);
    return result && (await end(result));
  } catch (error) {
    if (!(error instanceof JournalTooLarge)) throw error;
    return await end(journalTooLarge(run._id, error));
  }
}

class JournalTooLarge extends Error {
  constructor(
    readonly size: number,
    readonly stepNumber: number,
    readonly stepName: string,
  ) {
    super("journal too large");
  }
}

function journalTooLarge(
  runId: string,
  at: { size: number; stepNumber: number; name?: string; stepName?: string },
): RunResult {
  return {
    kind: "failed",
    error:
      `The journal of workflow ${runId} is too large: ${at.size} bytes at step ${at.stepNumber} ` +
      `"${at.stepName ?? at.name}", the maximum is ${MAX_JOURNAL_BYTES} bytes. Have steps take and return ` +
      `less (ids instead of documents), or move parts of the work into nested workflows.`,
  };
}

function whyArgsRefused(ctx: AppMutationCtx, workflow: Workflow, run: Run) {
  if (!workflow.args) return undefined;
  try {
    validate(v.object(workflow.args), run.args, { throw: true, db: ctx.db });
    return undefined;
  } catch (error) {
    return `Invalid arguments for workflow "${run.name}": ${(error as Error).message}`;
  }
}

/** How the run ends with this turn, if it does. */
function resultOf(
  ctx: AppMutationCtx,
  workflow: Workflow,
  run: Run,
  end: TurnEnd,
): RunResult | null {
  switch (end.kind) {
    case "returned":
      return returned(ctx, workflow, end.value);
    case "threw":
      return { kind: "failed", error: errorText(end.error) };
    case "stuck":
      return {
        kind: "failed",
        error:
          `The handler of workflow ${run._id} waits for something that is not a step, while no step is in flight: ` +
          `it can never go on. Await only steps, and promises made of them; do other asynchronous work in a step.`,
      };
    case "waiting":
    case "yielded":
    case "fenced":
      return null;
  }
}

function returned(
  ctx: AppMutationCtx,
  { returns }: Workflow,
  value: unknown,
): RunResult {
  const returnValue = value ?? null;
  if (!returns) return { kind: "success", returnValue };
  try {
    validate(returns, returnValue, { throw: true, db: ctx.db });
    return { kind: "success", returnValue };
  } catch (error) {
    return {
      kind: "failed",
      error: `Invalid return value: ${(error as Error).message}`,
    };
  }
}

function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const explanation = explainMissingGlobal(error);
  return explanation ? `${text}\n${explanation}` : text;
}

/** One execution of the handler, with what it needs of the mutation it runs in. */
class Execution {
  /** Constant within a transaction on the platform; not everywhere else. */
  private readonly now = Date.now();

  constructor(
    private readonly ctx: AppMutationCtx,
    private readonly workflow: Workflow,
    private readonly run_: Run,
    private journalSize: number,
  ) {}

  async run(journal: JournalEntry[]): Promise<TurnEnd> {
    const { workflow, run_: run } = this;
    const ports = this.ports(() => replay);
    const replay = createReplay(run, journal, ports);
    const step = createStepContext(run._id as WorkflowId, (request) =>
      replay.request(request),
    );
    return await replay.run(() => workflow.handler(step, run.args as never));
  }

  private ports(replay: () => RunReplay): TurnPorts<WorkflowRequest> {
    const { ctx, run_: run } = this;
    const environment = createEnvironment({
      runId: run._id,
      now: () => replay().now(),
      isLive: () => replay().live,
      combinators: isLegacy(run) ? undefined : trackingCombinators(),
    });
    const quiesce = createQuiesce(() => ctx.meta.getTransactionMetrics());
    return {
      now: this.now,
      resume: async (begin) => {
        environment.enter();
        try {
          begin();
          await quiesce();
        } finally {
          environment.leave();
        }
      },
      runInline: (request) => this.runInline(request),
      roomForInline: async (count) =>
        count === 0 || (count < INLINE_STEPS_PER_TURN && (await hasRoom(ctx))),
      limits: {
        newSteps: NEW_STEPS_PER_TURN,
        newBytes: NEW_BYTES_PER_TURN,
        shownBytes: SHOWN_BYTES_PER_TURN,
      },
      record: (record) => this.record(record),
    };
  }

  private async runInline(request: WorkflowRequest): Promise<Outcome> {
    const { ctx } = this;
    const { target, args, transactionLimits } = request;
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
      return storableOutcome(request, {
        result: { kind: "failed", error },
        failure,
      });
    }
  }

  private async record(record: TurnRecord<WorkflowRequest>) {
    const { ctx, workflow, run_: run } = this;
    this.countSizes(record.steps);
    const steps: NewStepArgs[] = [];
    for (const step of record.steps) steps.push(await newStepArgs(step));
    const rows = await ctx.runMutation(workflow.component.journal.startSteps, {
      workflowId: run._id,
      generationNumber: run.generationNumber,
      steps,
      workpoolOptions: workflow.workpoolOptions,
      deliveries: record.deliveries.map(({ entry, delivery }) => ({
        stepId: entry.stepId,
        delivery,
      })),
      waits: record.waits.map(({ entry, interest }) => ({
        stepId: entry.stepId,
        ...interest,
      })),
      goOn: record.goOn,
    });
    return rows && rows.map(toEntry);
  }

  private countSizes(steps: NewStep<WorkflowRequest>[]) {
    for (const { request, stepNumber, completed, stepId } of steps) {
      if (stepId !== undefined) continue;
      this.journalSize +=
        ROW_OVERHEAD + sizeOf(request.args) + sizeOf(completed?.outcome);
      if (this.journalSize > MAX_JOURNAL_BYTES)
        throw new JournalTooLarge(this.journalSize, stepNumber, request.name);
    }
  }
}

const isLegacy = (run: Run) => run.engineVersion === undefined;

type RunReplay = EngineReplay<WorkflowRequest> | LegacyReplay<WorkflowRequest>;

/** A run is replayed by the rules that it began under. */
function createReplay(
  run: Run,
  journal: JournalEntry[],
  ports: TurnPorts<WorkflowRequest>,
): RunReplay {
  const { engineVersion } = run;
  if (engineVersion === undefined)
    return new LegacyReplay(run._id, journal, ports);
  if (engineVersion > ENGINE_VERSION)
    throw new Error(
      `Workflow ${run._id} was begun by a newer release of @convex-dev/workflow (engine ${engineVersion}, ` +
        `this one knows up to ${ENGINE_VERSION}). Deploy that release again.`,
    );
  return new EngineReplay(run._id, journal, ports);
}

type Ref<Type extends FunctionType> = FunctionReference<Type, "internal">;

type NewStepArgs = FunctionArgs<
  WorkflowComponent["journal"]["startSteps"]
>["steps"][number];

/** About what a row's own fields take, beside arguments and result. */
const ROW_OVERHEAD = 300;

async function newStepArgs(
  step: NewStep<WorkflowRequest>,
): Promise<NewStepArgs> {
  const { request, completed } = step;
  return {
    stepNumber: step.stepNumber,
    stepId: step.stepId,
    step: await stepFields(step),
    wakes: step.interest.wakes,
    group: step.interest.group,
    delivery: completed?.delivery,
    failure: completed?.outcome.failure,
    retry: request.retry,
    timeoutMs: request.timeoutMs,
    schedulerOptions: schedule(request),
    workflowName:
      request.kind === "workflow" ? nameOf(request.target!) : undefined,
  };
}

function schedule({ runAt, runAfter }: WorkflowRequest) {
  if (runAt !== undefined) return { runAt };
  if (runAfter !== undefined) return { runAfter };
  return undefined;
}

async function stepFields({
  request,
  startedAt,
  completed,
}: NewStep<WorkflowRequest>): Promise<NewStepArgs["step"]> {
  const common = {
    name: request.name,
    inProgress: !completed,
    args: request.args,
    argsSize: sizeOf(request.args),
    startedAt,
    completedAt: completed?.completedAt,
    runResult: completed?.outcome.result,
  };
  switch (request.kind) {
    case "function":
      return {
        ...common,
        kind: "function",
        functionType: request.functionType!,
        handle: await createFunctionHandle(request.target!),
      };
    case "workflow":
      return {
        ...common,
        kind: "workflow",
        handle: await createFunctionHandle(request.target!),
      };
    case "event":
      return { ...common, kind: "event", args: request.args };
    case "sleep":
      return { ...common, kind: "sleep" };
  }
}
