import { invalidArgument } from "../shared/errors.js";
import { abbreviate } from "../shared/storable.js";

/**
 * Checks that options exist, because a misspelled option would otherwise be ignored silently.
 *
 * @param call - The entry of `OPTIONS` that lists those that exist.
 * @param what - The owner of the options, as errors name it.
 * @param unknown - `refused` throws. `ignored` logs, for code that a run of 0.4 replays. `spread` throws only for a
 * misspelled option, because 0.4 accepts events with the fields of another object that was spread.
 */
export function checkOptions(
  call: keyof typeof OPTIONS,
  options: object | undefined,
  what: string = call,
  unknown: "refused" | "ignored" | "spread" = "refused",
) {
  if (options === undefined) return;
  const known: readonly string[] = OPTIONS[call];
  if (typeof options !== "object" || options === null)
    throw invalidArgument(
      `Invalid options of ${what}: expected an object with ${listed(known)}, not ${shown(options)}.`,
    );
  const given = options as Record<string, unknown>;
  for (const key of Object.keys(given)) {
    if (given[key] === undefined || known.includes(key)) continue;
    const meant =
      MEANT[key]?.find((name) => known.includes(name)) ?? closest(key, known);
    const advice =
      meant !== undefined
        ? `Did you mean ${meant}?`
        : `The options are ${listed(known)}.`;
    const message = `Invalid options of ${what}: there is no option "${key}". ${advice}`;
    const isForeign =
      meant === undefined || given[meant] !== undefined || key.startsWith("_");
    if (unknown === "refused" || (unknown === "spread" && !isForeign))
      throw invalidArgument(message);
    console.warn(`${message} It is ignored.`);
  }
}

const listed = (names: readonly string[]) =>
  names.length < 2
    ? names.join("")
    : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** Shows an option's value in an error. */
export const shown = (value: unknown) =>
  typeof value === "string" ? `"${abbreviate(value)}"` : String(value);

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

/** Returns the known name that differs from `key` by at most half of its letters. */
function closest(key: string, known: readonly string[]): string | undefined {
  return known
    .filter((name) => distance(key, name) <= name.length / 2)
    .sort((a, b) => distance(key, a) - distance(key, b))[0];
}

/** Counts the letters to change, add or remove, ignoring case. */
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
const MANY = [...RUNS, "cursor"] as const;

/** The options of `start` in 0.4. */
export const FIRST_START_OPTIONS = [
  "onComplete",
  "context",
  "startAsync",
] as const;

/** The options that each call accepts. */
export const OPTIONS = {
  WorkflowManager: ["workpoolOptions", "retention"],
  workpoolOptions: [
    "maxParallelism",
    "execution",
    "logLevel",
    "defaultRetryBehavior",
    "retryActionsByDefault",
  ],
  defineOnComplete: ["context", "returnValue", "handler"],
  definition: [
    "args",
    "returns",
    "workpoolOptions",
    "handler",
    "timeout",
    "retention",
  ],
  start: [
    ...FIRST_START_OPTIONS,
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
  listStepSummaries: PAGE,
  listEvents: PAGE,
  listOnCompleteFailures: PAGE,
  cancelMany: MANY,
  cleanupMany: MANY,
  restartMany: [...MANY, "from", "fromFailure"],
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
  "step.sleep": ["name"],
  withOptions: ["unstableArgs", "retry"],
  retry: ["maxAttempts", "initialBackoffMs", "base", "maxBackoffMs"],
  /** `validator` is allowed, because you can spread an event's definition here. */
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
