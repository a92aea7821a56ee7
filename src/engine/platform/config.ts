import { components } from "../../component/_generated/api.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
import type { WorkpoolOptions } from "./options.js";
import type { Doc } from "../../component/_generated/dataModel.js";
import type { ExecutionMode } from "../../component/schema.js";
import { createLogger, type Logger } from "../../shared/logging.js";

const DEFAULT_MAX_PARALLELISM = 25;

type PoolOptions = Pick<WorkpoolOptions, "maxParallelism" | "logLevel">;

export interface Config {
  log: Logger;
  /** How many jobs the workpool may run at a time. If 0, it is paused. */
  maxParallelism: number;
  /** Settings to pass to the workpool with the next jobs. Without them, it keeps its own. */
  pool: PoolOptions;
  /** There is no row yet, so the workpool never got its settings. */
  isNew: boolean;
  /** How steps are executed if neither the run nor its manager sets it. */
  execution: ExecutionMode;
}

/**
 * Reads the current settings. `said` has the options of the calling code. They take precedence over the settings that
 * `utils:updateConfig` stored, except for a pause.
 */
export async function readConfig(
  ctx: QueryCtx,
  said: PoolOptions = {},
): Promise<Config> {
  const row = await ctx.db.query("config").first();
  const isPaused = row?.maxParallelism === 0;
  const maxParallelism = isPaused
    ? 0
    : (said.maxParallelism ?? row?.maxParallelism ?? DEFAULT_MAX_PARALLELISM);
  const isSaid = isPaused || said.maxParallelism !== undefined;
  return {
    log: createLogger(row?.logLevel),
    maxParallelism,
    pool: {
      maxParallelism: isSaid ? maxParallelism : undefined,
      logLevel: said.logLevel,
    },
    isNew: row === null,
    execution: row?.execution ?? "driver",
  };
}

/** For code that needs only the log. Reads no document if no level is stored. */
export async function readLog(ctx: QueryCtx): Promise<Logger> {
  const row = await ctx.db
    .query("config")
    .withIndex("logLevel", (q) => q.gt("logLevel", undefined))
    .first();
  return createLogger(row?.logLevel);
}

type ConfigRow = Omit<Doc<"config">, "_id" | "_creationTime">;

/**
 * Changes the row. If this inserts it, the workpool gets its first settings. After that, it gets only settings that
 * somebody passes.
 */
export async function saveConfig(ctx: MutationCtx, changes: ConfigRow) {
  const row = await ctx.db.query("config").first();
  if (row) return await ctx.db.patch("config", row._id, changes);
  await ctx.db.insert("config", changes);
  await ctx.runMutation(components.workpool.config.update, {
    maxParallelism: DEFAULT_MAX_PARALLELISM,
    logLevel: createLogger().level,
  });
}

export async function updateConfig(
  ctx: MutationCtx,
  changes: PoolOptions & { execution?: ExecutionMode },
) {
  if (changes.maxParallelism !== undefined)
    checkParallelism(changes.maxParallelism);
  await saveConfig(ctx, changes);
  // Without new jobs, the workpool might not get the settings for a long time.
  const { maxParallelism, logLevel } = changes;
  await ctx.runMutation(components.workpool.config.update, {
    maxParallelism,
    logLevel,
  });
}

/**
 * Warns if managers pass different parallelism, once for each further value, and ends a manager's pause. The values
 * are stored only for that. Only a new value and the end of a pause write.
 */
export async function heedManager(
  ctx: MutationCtx,
  maxParallelism: number | undefined,
) {
  if (maxParallelism === undefined) return;
  checkParallelism(maxParallelism);
  const row = await ctx.db.query("config").first();
  const seen = row?.managerParallelism ?? [];
  const isNew = !seen.includes(maxParallelism);
  const endsPause = seen.includes(0) && maxParallelism > 0;
  if (!isNew && !endsPause) return;
  if (isNew && seen.length > 0)
    createLogger(row?.logLevel).warn(
      `Workflow managers of one component ask for different workpoolOptions.maxParallelism: ` +
        `${seen.join(" and ")} before, ${maxParallelism} now. They share one pool, which uses ` +
        `whichever was asked for last. Give all managers the same value.`,
    );
  const others = seen.filter((value) => value !== maxParallelism && value > 0);
  await saveConfig(ctx, { managerParallelism: [...others, maxParallelism] });
  // A run whose steps don't use the workpool wouldn't pass this on, so the paused jobs would wait for another run.
  if (endsPause && row?.maxParallelism !== 0)
    await ctx.runMutation(components.workpool.config.update, {
      maxParallelism,
    });
}

function checkParallelism(value: number) {
  if (!Number.isInteger(value) || value < 0 || value > 200)
    throw new Error(
      `Invalid maxParallelism: ${value}. Expected a whole number from 0 to 200.`,
    );
}
