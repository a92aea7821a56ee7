import { codedError } from "../shared/errors.js";

/**
 * Refuses options that don't exist, because a misspelled option would otherwise be ignored silently.
 *
 * @param what - The owner of the options, as errors name it.
 * @param known - The options that exist.
 */
export function checkOptions(
  what: string,
  options: object | undefined,
  known: readonly string[],
) {
  for (const { message } of unknownOptions(what, options, known))
    throw invalid(message);
}

/**
 * As `checkOptions`, for an object that 0.4 accepts with anything else in it, such as the fields of another object that
 * was spread. Only a misspelled option is refused. Anything else that doesn't exist is logged.
 */
export function checkSpread(
  what: string,
  options: object,
  known: readonly string[],
) {
  const given = options as Record<string, unknown>;
  for (const { key, meant, message } of unknownOptions(what, options, known)) {
    const isMisspelled = meant !== undefined && given[meant] === undefined;
    if (isMisspelled && !key.startsWith("_")) throw invalid(message);
    console.warn(`${message} It is ignored.`);
  }
}

/** As `checkOptions`, for code that a run of 0.4 replays. There, the option was ignored. */
export function warnOfOptions(
  what: string,
  options: object,
  known: readonly string[],
) {
  for (const { message } of unknownOptions(what, options, known))
    console.warn(`${message} It is ignored.`);
}

function unknownOptions(
  what: string,
  options: object | undefined,
  known: readonly string[],
) {
  if (options === undefined) return [];
  if (typeof options !== "object" || options === null)
    throw invalid(
      `Invalid options of ${what}: expected an object with ${listed(known)}, not ${String(options)}.`,
    );
  return Object.entries(options).flatMap(([key, value]) => {
    if (value === undefined || known.includes(key)) return [];
    const meant =
      MEANT[key]?.find((name) => known.includes(name)) ?? closest(key, known);
    const advice =
      meant !== undefined
        ? `Did you mean ${meant}?`
        : `The options are ${listed(known)}.`;
    const message = `Invalid options of ${what}: there is no option "${key}". ${advice}`;
    return { key, meant, message };
  });
}

const invalid = (message: string) => codedError("INVALID_ARGUMENT", message);

const listed = (names: readonly string[]) =>
  names.length < 2
    ? names.join("")
    : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** The names of these options in other libraries. */
const MEANT: Record<string, string[]> = {
  attempts: ["maxAttempts", "retry"],
  retries: ["maxAttempts", "retry"],
  maxRetries: ["maxAttempts", "retry"],
  backoff: ["initialBackoffMs"],
  delay: ["runAfter"],
  timeoutMs: ["timeout"],
  concurrency: ["maxParallelism"],
  async: ["startAsync"],
  limit: ["paginationOpts"],
  data: ["value"],
  payload: ["value"],
};

/** The known name that differs from `key` by no more than half of its letters. */
function closest(key: string, known: readonly string[]): string | undefined {
  return known
    .filter((name) => distance(key, name) <= name.length / 2)
    .sort((a, b) => distance(key, a) - distance(key, b))[0];
}

/** The number of letters to change, add or remove, ignoring case. */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[to.length]!;
}

const RUNS = ["status", "name", "since", "until"] as const;
const PAGE = ["order", "paginationOpts"] as const;

/** The options that each call accepts. */
export const OPTIONS = {
  manager: ["workpoolOptions", "retention"],
  workpool: [
    "maxParallelism",
    "execution",
    "logLevel",
    "defaultRetryBehavior",
    "retryActionsByDefault",
  ],
  onComplete: ["context", "returnValue", "handler"],
  definition: [
    "args",
    "returns",
    "workpoolOptions",
    "handler",
    "timeout",
    "retention",
  ],
  start: [
    "onComplete",
    "context",
    "startAsync",
    "execution",
    "runAt",
    "runAfter",
    "timeout",
    "retention",
    "key",
    "ifRunning",
  ],
  retention: ["completed", "failed", "canceled"],
  cancel: ["ifFinished"],
  restart: ["from", "fromFailure", "startAsync"],
  list: [...RUNS, ...PAGE],
  listByName: ["status", "since", "until", ...PAGE],
  listSummaries: [...RUNS, "idPrefix", "parent", ...PAGE],
  console: ["authorize"],
  listSteps: PAGE,
  many: [...RUNS, "cursor"],
  restartMany: [...RUNS, "cursor", "from", "fromFailure"],
  counts: ["name"],
  step: [
    "name",
    "unstableArgs",
    "runAt",
    "runAfter",
    "inline",
    "transactionLimits",
    "retry",
  ],
  sleep: ["name"],
  defaults: ["unstableArgs", "retry"],
  retry: ["maxAttempts", "initialBackoffMs", "base", "maxBackoffMs"],
  /** An event's definition that is spread here brings its validator. */
  createEvent: ["name", "workflowId", "validator"],
  /** Senders and waits often spread the same object. */
  event: [
    "name",
    "id",
    "workflowId",
    "validator",
    "timeout",
    "value",
    "error",
    "strict",
  ],
} as const;
