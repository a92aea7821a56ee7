import { MAX_ROW_BYTES } from "../../shared/limits.js";
import { sizeOf, storageProblem } from "../../shared/storable.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Config } from "../platform/config.js";
import { scheduleDue } from "./dueTask.js";
import { REPLAY_VERSION } from "../../shared/replayVersion.js";
import { checkKeyIsFree, updateRun, type Run } from "./runs.js";

type NewRun = Pick<
  Run,
  | "name"
  | "workflowHandle"
  | "args"
  | "onComplete"
  | "parent"
  | "execution"
  | "timeoutMs"
  | "retention"
  | "key"
>;

/** Inserts a run. Nothing happens until it wakes. */
export async function createRun(
  ctx: MutationCtx,
  fields: NewRun,
  config: Config,
  startsAt = 0,
): Promise<Run> {
  const size = sizeOf(fields.args) + sizeOf(fields.onComplete?.context);
  const problem =
    storageProblem("its arguments", fields.args) ??
    storageProblem("its context", fields.onComplete?.context) ??
    (size > MAX_ROW_BYTES &&
      `its arguments and context are too large: ${size} bytes, the maximum is ${MAX_ROW_BYTES} bytes`);
  if (problem)
    throw new Error(`Can't start workflow "${fields.name}": ${problem}`);
  await checkKeyIsFree(ctx, fields, `start "${fields.name}"`);
  const row = {
    ...fields,
    generationNumber: 0,
    engineVersion: REPLAY_VERSION,
  };
  const _id = await ctx.db.insert("workflows", row);
  config.log.event("started", {
    workflowId: _id,
    workflowName: fields.name,
    name: fields.name,
    status: "inProgress",
  });
  const run: Run = { _id, _creationTime: Date.now(), ...row };
  if (fields.timeoutMs !== undefined) {
    const dueTask = await scheduleDue(ctx, run, Math.max(startsAt, Date.now()));
    await updateRun(ctx, run, { dueTask });
  }
  return run;
}
