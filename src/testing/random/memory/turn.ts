import process from "node:process";
import { setImmediate } from "node:timers";
import { createEnvironment } from "../../../client/environment/environment.js";
import type { HostCalls } from "../../../client/environment/hostCalls.js";
import { createQuiesce } from "../../../client/environment/quiesce.js";
import type { WorkflowId } from "../../../client/index.js";
import { trackingCombinators } from "../../../client/replay/combinators.js";
import { Replay } from "../../../client/replay/replay.js";
import {
  isEmpty,
  type TurnEnd,
  type TurnLimits,
} from "../../../client/replay/turn.js";
import { createStepContext } from "../../../client/turn/stepContext.js";
import {
  GLOBALS,
  interpret,
  type HandlerGlobals,
  type WorkInput,
} from "../interpret.js";
import type { Node } from "../program.js";
import { outcomeOf, refusalOf } from "../work.js";
import { MemoryTransaction, type MemoryRun } from "./store.js";

export const RUN_ID = "run";

/** How a turn detects that the handler is blocked. */
export type Quiesce = "ticks" | "hostCall";

export interface TurnOptions {
  now: number;
  quiesce: Quiesce;
  /** Default: `RUN_ID`. */
  runId?: string;
  limits?: Partial<TurnLimits>;
  /** The maximum number of inline steps in one turn. */
  inlineSteps?: number;
  /** Whether there is room for an inline step other than the turn's first. */
  inlineFits?: () => boolean;
  takesNew?: HandlerGlobals["takesNew"];
  /** Default: true. Otherwise, a refusal arrives like any other result. */
  refusesAtOnce?: boolean;
}

export interface Turn {
  end: TurnEnd;
  /** The run after the turn has committed. */
  run: MemoryRun;
  /** How often the turn recorded something. */
  writes: number;
}

const macrotask = () =>
  new Promise<void>((resolve) => void setImmediate(() => resolve()));

/** Resolves when the handler is blocked. */
function quiesceBy(quiesce: Quiesce, calls: HostCalls) {
  if (quiesce === "ticks") return createQuiesce(() => Promise.resolve(), calls);
  return async () => {
    do {
      await calls.answered();
      await macrotask();
    } while (!calls.areAnswered);
  };
}

/** Executes one turn of a program over a run. Doesn't change `committed`. */
export async function takeTurn(
  program: Node,
  committed: MemoryRun,
  options: TurnOptions,
): Promise<Turn> {
  const { now, quiesce, runId = RUN_ID } = options;
  const { limits, inlineSteps = Infinity, inlineFits = () => true } = options;
  const transaction = new MemoryTransaction(
    committed,
    now,
    options.refusesAtOnce,
  );
  const { run } = transaction;
  run.pendingTurn = false;
  let writes = 0;
  const replay: Replay = new Replay(runId, structuredClone(run.rows), {
    now,
    resume: async (begin) => {
      environment.enter();
      // During a macrotask, the test runner's own code may run.
      globalThis.process = process;
      try {
        begin();
        await quiesceBy(quiesce, environment.hostCalls)();
        await environment.refuseRejections();
      } finally {
        environment.leave();
      }
    },
    hostCall: () => Promise.resolve(),
    runInline: async ({ name, args }, { inlineSteps: before }) =>
      before === 0 || (before < inlineSteps && inlineFits())
        ? {
            outcome: structuredClone(
              args["half"] === undefined
                ? outcomeOf((args["input"] as WorkInput).plan)
                : refusalOf(name),
            ),
            isFenced: false,
          }
        : null,
    trials: run.trials,
    limits: {
      newSteps: Infinity,
      deliveries: Infinity,
      newBytes: Infinity,
      deliveredBytes: Infinity,
      ...limits,
    },
    record: async (record) => {
      if (isEmpty({ ...record, end: undefined })) return [];
      writes++;
      return transaction.record(record);
    },
  });
  const environment = createEnvironment({
    runId,
    now: () => replay.now(),
    isLive: () => replay.live,
    combinators: trackingCombinators(),
  });
  const step = createStepContext(
    {
      isLegacy: false,
      component: "workflow",
      workflowId: runId as WorkflowId,
    },
    Object.assign(replay, { setProgress: () => {} }),
  );
  const globals = {
    ...GLOBALS,
    takesNew: options.takesNew,
    hostCall() {
      const reply = macrotask();
      environment.hostCalls.track(reply);
      return reply;
    },
  };
  const end = await replay.run(() => interpret(program, step, globals));
  if (end.kind !== "waiting" && end.kind !== "yielded") run.end = end;
  return { end, run, writes };
}
