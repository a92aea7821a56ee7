import { preview } from "../../shared/storable.js";
import type { JournalEntry, StepRequest } from "./journal.js";

/**
 * On replay, the handler asked for other steps than its journal holds. The turn can't continue, because the recorded
 * results would belong to other steps.
 */
export class DeterminismError extends Error {
  override name = "DeterminismError";
}

const ADVICE =
  "A handler must ask for the same steps in the same order each time it is replayed. Was its code changed " +
  "while this run was in flight, or does it depend on something other than its arguments and step results? " +
  "Once the code is right, restart the run: without `from` it continues, with `from` it repeats what follows that step. " +
  "Put later changes behind step.patched. " +
  'Other runs that are affected fail with "Determinism violation" in their error.';

export function differentRequest(
  runId: string,
  stepNumber: number,
  entry: JournalEntry,
  request: StepRequest,
): DeterminismError | undefined {
  const difference = firstDifference(entry, request);
  if (!difference) return undefined;
  const { what, at } = difference;
  const shown = (value: unknown) =>
    at ? ` with ${at.path} = ${preview(value, 500)}` : "";
  return violation(runId, [
    `at step ${stepNumber}: ${what} differs.`,
    `  The journal holds: ${describe(entry)}${shown(at?.left)}`,
    `  The handler asked for: ${describe(request)}${shown(at?.right)}`,
    ...keepPatch(entry),
  ]);
}

export function unrequested(
  runId: string,
  stepNumber: number,
  entry: JournalEntry,
  handlerState: "returned" | "is blocked",
): DeterminismError {
  return violation(runId, [
    `at step ${stepNumber}: a step is missing.`,
    `  The journal holds: ${describe(entry)}`,
    `  The handler ${handlerState} without asking for it.`,
    ...keepPatch(entry),
  ]);
}

const keepPatch = ({ kind, name }: JournalEntry) =>
  kind === "patch"
    ? [
        `Keep step.patched("${name}") or step.deprecatePatch("${name}") there until every run that recorded it has ended.`,
      ]
    : [];

function violation(runId: string, lines: string[]) {
  return new DeterminismError(
    `Determinism violation in workflow ${runId} ${lines.join("\n")}\n${ADVICE}`,
  );
}

function describe(step: JournalEntry | StepRequest): string {
  const kind = step.kind === "function" ? (step.functionType ?? "") : step.kind;
  return `${kind} "${step.name}"`;
}

function firstDifference(
  entry: JournalEntry,
  request: StepRequest,
): { what: string; at?: Difference } | undefined {
  if (kindOf(entry) !== kindOf(request)) return { what: "the kind" };
  if (entry.name !== request.name) return { what: "the name" };
  const { args } = request;
  if (request.unstableArgs || entry.argsOmitted || args === entry.args)
    return undefined;
  const at = findDifference(entry.args, args, "args");
  return at && { what: `the value of ${at.path}`, at };
}

const kindOf = (step: JournalEntry | StepRequest) =>
  step.kind === "function" ? step.functionType : step.kind;

interface Difference {
  path: string;
  left: unknown;
  right: unknown;
}

/** The first place where two Convex values differ. An undefined field counts as absent. */
export function findDifference(
  left: unknown,
  right: unknown,
  path: string,
): Difference | undefined {
  if (Object.is(left, right)) return undefined;
  const difference = { path, left, right };
  if (left instanceof ArrayBuffer || right instanceof ArrayBuffer)
    return sameBytes(left, right) ? undefined : difference;
  if (!isObject(left) || !isObject(right)) return difference;
  const isList = Array.isArray(left);
  if (isList !== Array.isArray(right)) return difference;
  if (isList && left["length"] !== right["length"]) return difference;
  for (const key of Object.keys({ ...left, ...right })) {
    const inner = isList ? `${path}[${key}]` : `${path}.${key}`;
    const found = findDifference(left[key], right[key], inner);
    if (found) return found;
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

function sameBytes(left: unknown, right: unknown): boolean {
  if (!(left instanceof ArrayBuffer) || !(right instanceof ArrayBuffer))
    return false;
  if (left.byteLength !== right.byteLength) return false;
  const rightBytes = new Uint8Array(right);
  return new Uint8Array(left).every((byte, at) => byte === rightBytes[at]);
}
