import { getFunctionAddress, type RegisteredMutation } from "convex/server";
import { jsonToConvex, type JSONValue } from "convex/values";
import { HISTORY_FORMAT, type WorkflowHistory } from "../shared/history.js";
import type { RunResult } from "../shared/outcome.js";

/** The result of {@link replayHistory}. */
export type ReplayedHistory = {
  kind: "ok";
  /**
   * How many recorded steps the handler asked for. If it throws a step's error, later steps don't
   * count.
   */
  reached: number;
  /** The run's result, if the handler returned or threw within its history. */
  result?: RunResult;
};

/**
 * Executes a workflow's current handler over a run's history, without a database. Use it before you
 * deploy to find out whether your change breaks runs in flight.
 *
 * It calls no function of your app. It stops where the handler goes beyond the history.
 *
 * @param workflow - The result of `define` or `defineWorkflow`, imported from its module.
 * @param history - The result of `exportHistory`.
 * @throws The determinism violation with which the run would fail.
 */
export async function replayHistory(
  workflow: RegisteredMutation<any, any, any>,
  history: WorkflowHistory,
): Promise<ReplayedHistory> {
  const replayed = latest.then(() => replay(workflow, history));
  latest = replayed.catch(() => undefined);
  return await replayed;
}

/** Globals are replaced while a handler runs, so replays take turns. */
let latest: Promise<unknown> = Promise.resolve();

async function replay(
  workflow: RegisteredMutation<any, any, any>,
  history: WorkflowHistory,
): Promise<ReplayedHistory> {
  const { run, rows } = decode(history);
  const handler = (workflow as unknown as Executable | undefined)?._handler;
  if (typeof handler !== "function")
    throw new Error(
      `replayHistory takes a workflow, as its module exports it, and not ${typeof workflow}. The history is of "${history.name}".`,
    );
  return await new Promise((resolve, reject) => {
    const ok = (reached: number, result?: RunResult) =>
      resolve({ kind: "ok", reached, ...(result && { result }) });
    const call = (target: unknown, args: CommitArgs) => {
      const door = doorOf(target);
      if (door === "journal/beginTurn")
        return Promise.resolve({
          workflow: run,
          journal: [rows],
          journalSize: 0,
          blocked: false,
          logLevel: "ERROR",
        });
      if (door === "journal/commit" && args.end && isReplayed(args)) {
        const { origin, runResult } = args.end;
        const asked = (origin?.step?.stepNumber ?? -1) + 1;
        const isAll = runResult.kind === "success";
        ok(isAll ? rows.length : Math.min(asked, rows.length), runResult);
        return Promise.resolve([]);
      }
      // The handler goes beyond its history, so its wait never ends.
      ok(rows.length);
      return new Promise(() => {});
    };
    const { _id: workflowId, generationNumber } = run;
    const turn = { workflowId, generationNumber };
    handler(contextOf(history, call), turn).then(() => ok(rows.length), reject);
  });
}

type Executable = {
  _handler: (ctx: object, args: object) => Promise<unknown>;
};

type CommitArgs = {
  steps: object[];
  deliveries?: object[];
  end?: { runResult: RunResult; origin?: { step?: { stepNumber: number } } };
};

const isReplayed = ({ steps, deliveries = [] }: CommitArgs) =>
  steps.length + deliveries.length === 0;

type Exported = {
  run: { _id: string; generationNumber: number; engineVersion?: number };
  rows: ExportedStep[];
};

type ExportedStep = {
  unstarted?: boolean;
  delivery?: object;
  step: { kind?: string; inProgress: boolean; runResult?: object };
};

function decode(history: WorkflowHistory): Exported {
  if (history?.format !== HISTORY_FORMAT)
    throw new Error(
      `replayHistory takes what exportHistory returns, in format ${HISTORY_FORMAT}, and not format ${String(history?.format)}.`,
    );
  const { run, rows } = jsonToConvex(
    JSON.parse(history.data) as JSONValue,
  ) as unknown as Exported;
  for (const row of rows) prepare(row, run.engineVersion === undefined);
  return { run, rows };
}

/** Reduces a step to the state that the run's turns have left. Removes results that no turn has processed. */
function prepare(row: ExportedStep, isLegacy: boolean) {
  const { step, delivery } = row;
  // Under 0.4's rules, a turn continues past a step in flight only if it starts that step.
  row.unstarted = isLegacy && step.inProgress;
  if (!isLegacy && !delivery && step.kind !== "patch") delete step.runResult;
}

/** Returns this component's function that a reference names, without the component. */
function doorOf(target: unknown): string | undefined {
  const { reference } = getFunctionAddress(target) as {
    reference?: string;
  };
  return /(\w+\/\w+)$/.exec(reference ?? "")?.[1];
}

/** Returns a mutation's ctx without a database. Ids are valid in every table. */
function contextOf(
  { name }: WorkflowHistory,
  call: (target: unknown, args: CommitArgs) => Promise<unknown>,
) {
  return {
    runQuery: call,
    runMutation: call,
    db: { normalizeId: (_table: string, id: string) => id },
    meta: {
      getFunctionMetadata: () =>
        Promise.resolve({
          name,
          componentPath: "",
          type: "mutation",
          visibility: "internal",
        }),
      getTransactionMetrics: () =>
        Promise.reject(new Error("A replay has no transaction")),
    },
  };
}
