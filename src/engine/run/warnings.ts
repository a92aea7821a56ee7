import type { Origin } from "../../shared/origin.js";
import type { LogEvent } from "../../shared/logging.js";
import { shortenError } from "../../shared/storable.js";
import type { Config } from "../platform/config.js";
import type { Run, StepRow } from "./runs.js";

/** Logs one line for a failed run, and one for each failed step that nothing awaited. */
export function warnOfEnd(
  run: Run,
  { log }: Config,
  { step, line, unawaited = [] }: Origin = {},
) {
  for (const { stepNumber, name, error } of unawaited)
    log.warn(unawaitedStep(run, stepNumber, name, { error }));
  if (run.runResult?.kind !== "failed") return;
  const at = [
    step &&
      `${step.failed ? "at" : "after"} step ${step.stepNumber} "${step.name}"`,
    line && `in ${line}`,
  ].filter((part) => part !== undefined && part !== "");
  const why =
    step?.failed && step.child !== undefined
      ? `its child ${step.child} failed`
      : oneLine(run.runResult.error);
  const text = [at.length > 0 ? why.replace(/\.$/, "") : why, ...at].join(", ");
  log.warn(`Workflow ${run._id} ("${run.name}") fails: ${text}`);
}

export const unawaitedStep = (
  run: Run,
  stepNumber: number,
  name: string,
  { error }: { error: string },
) =>
  `Step ${stepNumber} "${name}" of workflow ${run._id} ("${run.name}") failed, and nothing awaited it: ${oneLine(error)}`;

/** Returns an error without its stack. */
function oneLine(error: string): string {
  const lines = error.split("\n").filter((line) => !/^\s*at\s/.test(line));
  const text = lines.map((line) => line.trim()).join(" ");
  return shortenError(text.trim(), MAX_SHOWN_BYTES);
}

const MAX_SHOWN_BYTES = 1024;

/** Logs an event of a step. */
export const logStep = (
  { log }: Pick<Config, "log">,
  event: LogEvent,
  run: Run,
  { _id, stepNumber, step }: Pick<StepRow, "_id" | "stepNumber" | "step">,
  fields?: Record<string, unknown>,
) =>
  log.event(event, {
    workflowId: run._id,
    workflowName: run.name,
    stepId: _id,
    stepNumber,
    stepName: step.name,
    ...fields,
  });
