/** Convex's limit for one document, less room for system fields and this component's own. */
export const MAX_ROW_BYTES = (1 << 20) - 4 * 1024;

/** The largest return value of a step, and the largest value of an event. */
export const MAX_RESULT_BYTES = 800 * 1024;

/** The largest journal that a run can be replayed from. */
export const MAX_JOURNAL_BYTES = 8 * (1 << 20);

/** The largest arguments of a workpool job, less room for this component's own. */
export const MAX_POOL_ARGS_BYTES = 1_000_000 - 4 * 1024;

/** The largest arguments of a step. Those of an action or a query go through the workpool. */
export const maxArgsBytes = (functionType: string | undefined) =>
  functionType === "action" || functionType === "query"
    ? MAX_POOL_ARGS_BYTES
    : MAX_ROW_BYTES;

/** The longest delay of a step. If a job is due later than this, the workpool starts it after a year instead. */
export const LONGEST_DELAY_MS = 4 * 365 * 24 * 60 * 60 * 1000;

/** Longer errors are truncated, so that recording a failure can't fail. */
export const MAX_ERROR_BYTES = 16 * 1024;

/** A step keeps this many failed attempts, each with this much of its error. */
export const MAX_ATTEMPTS = 10;
export const MAX_ATTEMPT_ERROR_BYTES = 1024;

/** The largest progress that a handler can set. */
export const MAX_PROGRESS_BYTES = 4 * 1024;

/** The longest preview of an oversized value in its error. */
export const MAX_PREVIEW_BYTES = 16 * 1024;

/** Convex nests documents 16 deep, and a step's arguments and results are up to three levels down. */
export const MAX_VALUE_NESTING = 13;

/** The longest name of a step or an event, in characters. */
export const MAX_NAME_LENGTH = 1024;

/** Convex's limits on one array and on one object. */
export const MAX_ARRAY_LENGTH = 8192;
export const MAX_OBJECT_FIELDS = 1024;

/** Steps read, deleted or reset by one transaction of cleanup, cancel or restart. */
export const STEPS_PER_BATCH = 256;

/** The same bound in bytes, a quarter of the bytes that one transaction may read. */
export const BYTES_PER_BATCH = 4 * (1 << 20);

/**
 * The steps that one turn may start, in number and in bytes of arguments. Each costs up to two
 * scheduled functions, five document writes and three times its arguments. A turn with more steps to
 * start continues in another transaction.
 */
export const NEW_STEPS_PER_TURN = 400;
export const NEW_BYTES_PER_TURN = 1 << 20;

/** The results that one turn may deliver, because each rewrites a row. */
export const DELIVERIES_PER_TURN = 1000;

/** The bytes of results that one turn may deliver, because each is read again and written. */
export const DELIVERED_BYTES_PER_TURN = 2 * (1 << 20);

/**
 * A turn begins no inline step after this many milliseconds. Each step is a call into a fresh context, and all calls
 * of a transaction share one second of user time.
 */
export const INLINE_MS_PER_TURN = 300;

/** A turn may run inline steps for this many milliseconds, however long its replay took. */
export const INLINE_MS_AFTER_REPLAY = 100;

/** The inline steps that one turn may run. The second applies without a clock in mutations, as before June 2026. */
export const INLINE_STEPS_PER_TURN = 256;
export const INLINE_STEPS_WITHOUT_CLOCK = 32;

/** If a step takes longer, it is recorded in a separate transaction, without the turn that follows. */
export const STEP_MS_BEFORE_TURN = 400;
