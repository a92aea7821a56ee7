import type { RunResult } from "@convex-dev/workpool";
import type { JournalEntry } from "../../../client/replay/journal.js";
import { describeFailure } from "../../../shared/failures.js";
import { same } from "../differences.js";
import { predict, type Prediction } from "../oracle.js";
import { everyNode, type Node } from "../program.js";
import { emptyRun, type MemoryRun } from "./store.js";
import { takeTurn, type Quiesce, type Turn, type TurnOptions } from "./turn.js";

interface End {
  kind: string;
  value?: unknown;
  error?: unknown;
  message?: string;
}

/** Returns the steps whose results were delivered, in order. */
export function deliveredIn(rows: JournalEntry[]): number[] {
  return rows
    .flatMap(({ delivery }, stepNumber) =>
      delivery ? [{ order: delivery.order, stepNumber }] : [],
    )
    .sort((a, b) => a.order - b.order)
    .map(({ stepNumber }) => stepNumber);
}

/** Checks that the journal equals the oracle's prediction for its delivery order. */
export async function checkPrediction(
  program: Node,
  rows: JournalEntry[],
  end: End | undefined,
  options: {
    runId: string;
    inlineFirst: boolean;
    cut?: boolean;
    /** For a program that was edited during its run. */
    takesNew?: (edit: number) => boolean;
  },
): Promise<Prediction> {
  const delivered = deliveredIn(rows);
  checkOrders(rows, delivered);
  const predicted = await predict(program, {
    runId: options.runId,
    delivered,
    outcomeOf: (stepNumber) => rows[stepNumber]?.outcome,
    startedAt: (stepNumber) => rows[stepNumber]?.startedAt,
    takesNew: options.takesNew,
  });
  const asked = options.cut
    ? predicted.steps.slice(0, rows.length)
    : predicted.steps;
  same("the steps", rows.map(requestIn), asked.map(predictedRequest));
  // New code may ask for more steps at an earlier turn's delivery.
  if (!options.takesNew)
    same(
      "the number of steps asked for when each result was delivered",
      delivered.map((stepNumber) => rows[stepNumber]!.delivery!.issued),
      predicted.issuedAt,
    );
  checkOutcomes(rows, predicted);
  // After a turn has crashed, the following turns deliver one result each, even of inline steps.
  if (options.inlineFirst && !mayRejectLate(program))
    checkInlineFirst(delivered, predicted);
  if (end)
    same("how the run ended", describeEnd(end), describeEnd(predicted.end));
  return predicted;
}

function checkOrders(rows: JournalEntry[], delivered: number[]) {
  const orders = delivered.map(
    (stepNumber) => rows[stepNumber]!.delivery!.order,
  );
  same("the places of results", orders, [...orders.keys()]);
}

function checkOutcomes(rows: JournalEntry[], { steps }: Prediction) {
  for (const [stepNumber, row] of rows.entries()) {
    const { outcome } = steps[stepNumber]!;
    if (outcome && row.outcome && !wasDisturbed(row.outcome.result))
      same(`the result of step ${stepNumber}`, row.outcome, outcome);
  }
}

/** Whether an injected fault changed the result of a step or a run. */
export const wasDisturbed = (result: RunResult) =>
  result.kind === "failed" &&
  /Injected|process died|outcome is unknown|turn of workflow \S+ crashed|attempt \d/i.test(
    result.error,
  );

/** Whether a turn of the program may crash because of a rejection without a handler. */
export function mayRejectLate(program: Node): boolean {
  for (const node of everyNode(program))
    if ("late" in node && node.late) return true;
  return false;
}

/** Checks that inline steps run in order when the handler is blocked, before any waiting result is delivered. */
function checkInlineFirst(delivered: number[], { inlineDueAt }: Prediction) {
  for (const [at, due] of inlineDueAt.entries())
    if (due.length > 0)
      same(
        `the ${at}th result delivered, an inline step's`,
        delivered[at],
        due[0],
      );
}

const requestIn = (row: JournalEntry) => ({
  kind: row.kind === "function" ? row.functionType : row.kind,
  name: row.name,
  input: comparable(inputOf(row.args)),
});

const predictedRequest = ({
  kind,
  name,
  input,
}: Prediction["steps"][number]) => ({
  kind,
  name,
  input: comparable(input),
});

const inputOf = (args: Record<string, unknown>) =>
  typeof args["input"] === "object" ? args["input"] : undefined;

/** Removes parts that may differ on every replay. */
function comparable(input: object | null | undefined) {
  if (!input) return undefined;
  const defined = Object.entries(input).filter(
    ([key, value]) => value !== undefined && key !== "noise",
  );
  return Object.fromEntries(defined) as unknown;
}

export function describeEnd(end: End) {
  switch (end.kind) {
    case "returned":
      return { kind: "returned", value: end.value };
    case "threw":
      return {
        kind: "threw",
        message: end.message ?? describeFailure(end.error).error,
      };
    default:
      return { kind: "blocked" };
  }
}

/** Checks that a turn didn't change earlier rows. */
export function checkKept(before: MemoryRun, after: MemoryRun) {
  for (const [stepNumber, row] of before.rows.entries()) {
    const now = after.rows[stepNumber];
    const { delivery, condition: _, unstarted: __, ...kept } = row;
    const { delivery: laterDelivery, ...rest } = now ?? ({} as JournalEntry);
    const {
      condition: _i,
      unstarted: _u,
      outcome,
      completedAt,
      ...keptNow
    } = rest as JournalEntry;
    const { outcome: hadOutcome, completedAt: hadTime, ...keptBefore } = kept;
    same(`step ${stepNumber}`, keptNow, keptBefore);
    if (hadOutcome) {
      same(`the result of step ${stepNumber}`, outcome, hadOutcome);
      same(`the time of step ${stepNumber}`, completedAt, hadTime);
    }
    if (delivery)
      same(`the place of step ${stepNumber}`, laterDelivery, delivery);
  }
}

const isWaiting = ({ kind, outcome, delivery, heldBack }: JournalEntry) =>
  kind !== "patch" && outcome && !delivery && !heldBack;

/** Checks that the results that waited when a turn began were delivered in order of completion. */
export function checkOrderWithin(before: MemoryRun, { run, end }: Turn) {
  const waiting = before.rows.flatMap((row, stepNumber) =>
    isWaiting(row) ? [{ row, stepNumber }] : [],
  );
  const deliveredBefore = deliveredIn(before.rows).length;
  for (const stepNumber of deliveredIn(run.rows).slice(deliveredBefore)) {
    const row = run.rows[stepNumber]!;
    const at = waiting.findIndex((other) => other.stepNumber === stepNumber);
    // An inline step doesn't wait, and an event that was already sent came last.
    if (at < 0 && !before.rows[stepNumber]) continue;
    const earlier = waiting.find(
      (other) =>
        other.stepNumber < row.delivery!.issued &&
        (other.row.completedAt! < row.completedAt! ||
          (other.row.completedAt === row.completedAt &&
            other.stepNumber < stepNumber)),
    );
    if (earlier)
      throw new Error(
        `The result of step ${stepNumber} (at ${row.completedAt}) was delivered before that of step ${earlier.stepNumber} (at ${earlier.row.completedAt})`,
      );
    if (at >= 0) waiting.splice(at, 1);
  }
  if (end.kind === "waiting") {
    const left = run.rows.filter(isWaiting);
    same(
      "results left waiting",
      left.map(({ name }) => name),
      [],
    );
  }
}

/** Checks that replaying the stored journal asks for the same steps, ends the same and records nothing. */
export async function checkReplay(
  program: Node,
  run: MemoryRun,
  options: TurnOptions,
) {
  const again = await takeTurn(program, run, options);
  // A turn that was cut short may record its wake conditions later, because they only prevent needless turns.
  const mayRewrite = options.limits?.deliveredBytes !== undefined;
  const written = ({ rows }: MemoryRun) =>
    mayRewrite ? rows.map((row) => ({ ...row, condition: undefined })) : rows;
  same("what a replay writes", written(again.run), written(run));
  if (!mayRewrite) same("how often a replay writes", again.writes, 0);
  if (run.end)
    same("how a replay ends", describeEnd(again.end), describeEnd(run.end));
  else same("how a replay ends", again.end.kind, "waiting");
}

/** Checks that every prefix of the journal, cut at a delivery, asks for the steps that were asked for by then. */
export async function checkPrefixes(
  program: Node,
  recorded: JournalEntry[],
  predicted: Prediction,
  options: { runId: string; quiesce: Quiesce },
) {
  const delivered = deliveredIn(recorded);
  for (const [at, issued] of predicted.issuedAt.entries()) {
    // A journal is never cut between inline steps, because they are recorded together with their effects.
    if (predicted.inlineDueAt[at]!.length > 0) continue;
    const known = new Set(delivered.slice(0, at));
    const rows = recorded.slice(0, issued).map((row, stepNumber) =>
      known.has(stepNumber)
        ? row
        : {
            ...row,
            outcome: undefined,
            completedAt: undefined,
            delivery: undefined,
          },
    );
    const cut: MemoryRun = { ...emptyRun(), rows };
    const { run: after, end } = await takeTurn(program, cut, {
      ...options,
      now: 0,
    });
    same(`how the journal up to result ${at} ends`, end.kind, "waiting");
    same(
      `the steps of the journal up to result ${at}`,
      after.rows.map(requestIn),
      rows.map(requestIn),
    );
  }
}
