import { createDate } from "../../../environment/date.js";
import { createMath, createRandom } from "../../../environment/random.js";
import { toEntry, type StepRow } from "../../../turn/journalEntry.js";
import * as client from "../../../index.js";
import { createStepContext } from "../../../turn/stepContext.js";
import type { WorkflowId } from "../../../ids.js";
import type { JournalEntry, StepRequest } from "../../journal.js";
import type { TurnEnd } from "../../turn.js";
import { LegacyReplay } from "../replay.js";
import { components } from "./app/_generated/api.js";
import { caseOf, type Case } from "./cases.js";
import { journalOf, type Golden } from "./golden.js";
import { START } from "./time.js";

/** A recorded turn: the state in which it began, and the steps or the result that it recorded. */
export interface GoldenTurn {
  workflowId: WorkflowId;
  which: Case;
  journal: StepRow[];
  /** The steps that the turn recorded. */
  asked: StepRow[];
  /** The ids of events that were sent but not yet awaited. */
  sent: Set<string>;
  now: number;
  /** The run's result, if it ended in this turn. */
  runResult: Golden["end"]["rows"]["workflows"][number]["runResult"];
}

/** Returns the turns of a recorded run. */
export function turnsOf(golden: Golden): GoldenTurn[] {
  const { workflowId, boundaries, end } = golden;
  return boundaries.map(({ steps, rows }, index) => {
    const next = boundaries[index + 1] ?? end;
    const asked = journalOf(next.rows, workflowId).slice(steps);
    const run = next.rows.workflows.find(({ _id }) => _id === workflowId)!;
    const sent = rows.events.filter(({ state }) => state.kind === "sent");
    return {
      workflowId: workflowId as WorkflowId,
      which: caseOf(golden),
      journal: journalOf(rows, workflowId),
      asked,
      sent: new Set(sent.map(({ _id }) => _id)),
      now: asked[0]?.step.startedAt ?? START + end.at,
      runResult: run.runResult,
    };
  });
}

/** Executes a recorded turn here without a backend, and returns its end and the requested steps. */
export async function retake(
  turn: GoldenTurn,
  afterMicrotasks: () => Promise<unknown>,
): Promise<{ end: TurnEnd; asked: StepRequest[] }> {
  const journal = turn.journal.map(toEntry);
  const asked: StepRequest[] = [];
  for (;;) {
    const end = await retakeOnce(turn, journal, asked, afterMicrotasks);
    if (end.kind !== "again") return { end, asked };
  }
}

async function retakeOnce(
  turn: GoldenTurn,
  journal: JournalEntry[],
  asked: StepRequest[],
  afterMicrotasks: () => Promise<unknown>,
): Promise<TurnEnd> {
  const { workflowId, which, now } = turn;
  // Replaces only the globals that the cases use, because vitest runs at the same time.
  const globals = {
    Date: createDate(() => replay.now()),
    Math: createMath(createRandom(workflowId)),
  };
  const replay: LegacyReplay = new LegacyReplay(
    workflowId,
    journal,
    {
      now,
      resume: async (begin) => {
        const { Date, Math } = globalThis;
        Object.assign(globalThis, globals);
        begin();
        await afterMicrotasks();
        Object.assign(globalThis, { Date, Math });
      },
      hostCall: () => Promise.resolve(),
      runInline: async ({ name }) => ({
        outcome: outcomeOf(turn, name),
        isFenced: false,
      }),
      record: async ({ steps }) =>
        steps.map(({ request, completed }) => {
          const row = turn.asked[asked.length];
          asked.push(request);
          if (!row) throw new Error(`"${request.name}" was not recorded`);
          const entry = toEntry(row);
          const done = completed !== undefined || wasSent(turn, row);
          return done ? entry : { ...entry, outcome: undefined };
        }),
    },
    which.maxParallelism,
  );
  const manager = new client.WorkflowManager(components.workflow, {
    workpoolOptions: { maxParallelism: which.maxParallelism },
  });
  const step = createStepContext(
    { isLegacy: true, component: "workflow", workflowId },
    Object.assign(replay, { setProgress: () => {} }),
  );
  return await replay.run(() =>
    which.handler(step, which.args, { client, manager }),
  );
}

function outcomeOf({ asked }: GoldenTurn, name: string) {
  const row = asked.find(({ step }) => step.name === name);
  if (!row) throw new Error(`"${name}" was not recorded`);
  return toEntry(row).outcome!;
}

const wasSent = ({ sent }: GoldenTurn, { step }: StepRow) =>
  step.kind === "event" && sent.has(step.eventId!);
