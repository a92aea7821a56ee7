import { components } from "./_generated/api.js";
import type { MutationCtx, QueryCtx } from "./_generated/server.js";
import type { WorkpoolOptions } from "./options.js";
import type { Run } from "./runs.js";
import type { ExecutionMode } from "./schema.js";
import { createLogger, type Logger, type LogLevel } from "./logging.js";

export const DEFAULT_MAX_PARALLELISM = 25;

export interface Config {
  log: Logger;
  /**
   * For runs whose manager doesn't say: what another manager asked for, so that the pool's own
   * setting stays as it is; else what `utils:updateConfig` stored, else the default.
   */
  maxParallelism: number;
  /** How steps are executed, where neither the run nor its manager says. */
  execution: ExecutionMode;
}

export async function readConfig(ctx: QueryCtx): Promise<Config> {
  const row = await ctx.db.query("config").first();
  return {
    log: createLogger(row?.logLevel),
    maxParallelism:
      row?.managerParallelism?.at(-1) ??
      row?.maxParallelism ??
      DEFAULT_MAX_PARALLELISM,
    execution: row?.execution ?? "driver",
  };
}

export async function updateConfig(
  ctx: MutationCtx,
  changes: {
    logLevel?: LogLevel;
    maxParallelism?: number;
    execution?: ExecutionMode;
  },
) {
  if (changes.maxParallelism !== undefined)
    checkParallelism(changes.maxParallelism);
  const row = await ctx.db.query("config").first();
  if (row) await ctx.db.patch("config", row._id, changes);
  else await ctx.db.insert("config", changes);
  // The pool learns of it now: with nothing more to enqueue it might not for long. What a manager
  // has asked for wins.
  await ctx.runMutation(components.workpool.config.update, {
    logLevel: changes.logLevel,
    maxParallelism: row?.managerParallelism
      ? undefined
      : changes.maxParallelism,
  });
}

/**
 * Remembers what parallelism a manager asked for and warns, once for each further value, when
 * managers disagree. Only a value not seen before writes, so that starts don't contend on the row.
 */
export async function noteManagerParallelism(
  ctx: MutationCtx,
  maxParallelism: number,
) {
  checkParallelism(maxParallelism);
  const row = await ctx.db.query("config").first();
  const seen = row?.managerParallelism ?? [];
  if (seen.includes(maxParallelism)) return;
  if (seen.length > 0)
    createLogger(row?.logLevel).warn(
      `Workflow managers of one component ask for different workpoolOptions.maxParallelism: ` +
        `${seen.join(" and ")} before, ${maxParallelism} now. They share one pool, which uses ` +
        `whichever was asked for last. Give all managers the same value.`,
    );
  const managerParallelism = [...seen, maxParallelism];
  if (row) await ctx.db.patch("config", row._id, { managerParallelism });
  else await ctx.db.insert("config", { managerParallelism });
}

/** What a manager's code says of the pool now wins over what it said when the run began. */
export async function noteOptions(
  ctx: MutationCtx,
  run: Run,
  { maxParallelism, logLevel }: WorkpoolOptions = {},
) {
  const changes: Partial<Run> = {};
  if (maxParallelism !== undefined && maxParallelism !== run.maxParallelism) {
    await noteManagerParallelism(ctx, maxParallelism);
    changes.maxParallelism = maxParallelism;
  }
  if (logLevel !== undefined && logLevel !== run.poolLogLevel)
    changes.poolLogLevel = logLevel;
  if (Object.keys(changes).length === 0) return;
  Object.assign(run, changes);
  await ctx.db.patch("workflows", run._id, changes);
}

function checkParallelism(value: number) {
  if (!Number.isInteger(value) || value < 0 || value > 200)
    throw new Error(
      `Invalid maxParallelism: ${value}. Expected a whole number from 0 to 200.`,
    );
}
