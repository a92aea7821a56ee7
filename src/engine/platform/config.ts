import { components } from "../../component/_generated/api.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
import type { WorkpoolOptions } from "./options.js";
import type { Doc } from "../../component/_generated/dataModel.js";
import type { ExecutionMode } from "../../component/schema.js";
import { createLogger, type Logger } from "../../shared/logging.js";

export const DEFAULT_MAX_PARALLELISM = 25;

type PoolOptions = Pick<WorkpoolOptions, "maxParallelism" | "logLevel">;

export interface Config {
  log: Logger;
  /** How many jobs the pool may run at a time. 0: it is paused. */
  maxParallelism: number;
  /** Settings to pass to the pool with the next jobs. It keeps its own where the caller gives none. */
  pool: PoolOptions;
  /** There is no row yet: the pool was never told its settings. */
  isNew: boolean;
  /** How steps are executed, where neither the run nor its manager says. */
  execution: ExecutionMode;
}

/**
 * What holds now. `said` is what the code that calls says of the pool, in this very call: it wins over what
 * `utils:updateConfig` stored, but for a pause.
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

/** Reads no document where no level is stored, for whatever needs nothing but the log. */
export async function readLog(ctx: QueryCtx): Promise<Logger> {
  const row = await ctx.db
    .query("config")
    .withIndex("logLevel", (q) => q.gt("logLevel", undefined))
    .first();
  return createLogger(row?.logLevel);
}

type ConfigRow = Omit<Doc<"config">, "_id" | "_creationTime">;

/**
 * Changes the row. Where it is inserted, the pool is told its first settings: from then on it is told only what
 * somebody says.
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
  // With nothing more to enqueue the pool might not learn of it for long.
  const { maxParallelism, logLevel } = changes;
  await ctx.runMutation(components.workpool.config.update, {
    maxParallelism,
    logLevel,
  });
}

/**
 * Warns, once for each further value, when managers ask for different parallelism, and lifts a manager's pause. The
 * values it has seen are used for nothing else. Only a new one and the end of a pause write.
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
  // A run whose steps need no pool would not tell it, and the paused jobs would wait for another.
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
