// @ts-check
import { startBackend } from "./backend.mjs";
import { showLive } from "./live.mjs";
import { inOrder } from "./order.mjs";
import { parseOptions, usage } from "./options.mjs";
import { plainLines } from "./plain.mjs";
import { createRunner } from "./runner.mjs";
import { scenarioNames, scenarios } from "./scenarios.mjs";
import { summaryOf, summaryText } from "./summary.mjs";
import { duration } from "./text.mjs";

/** @import { Runner } from "./runner.mjs" */
/** @import { Change, Options } from "./types.mjs" */

/** The maximum number of runs in progress. */
const AT_ONCE = 6;
/** Far longer than all runs together take. */
const TIME_LIMIT_MS = 300_000;
/** How long the demo waits before it sends an event itself, so that you can answer with a key. */
const AUTO_SEND_MS = 700;
const AUTO_SEND_WITH_KEYS_MS = 5000;
const FLUSH_MS = 100;
/** How long keys still work after all runs have ended. */
const GRACE_MS = 3000;

const print = (/** @type {string} */ text) =>
  void process.stdout.write(`${text}\n`);

/**
 * Runs the demo.
 *
 * @param {string[]} argv
 * @returns {Promise<number>} the exit code
 */
export async function main(argv) {
  /** @type {Options} */
  let options;
  try {
    options = parseOptions(argv, scenarioNames);
  } catch (error) {
    process.stderr.write(`${/** @type {Error} */ (error).message}\n`);
    return 2;
  }
  if (options.help) {
    print(usage(scenarioNames));
    return 0;
  }
  const isLive = !options.plain && !options.json && canShowLive();
  if (!options.json)
    print("Bundling the workflows of example/convex, starting the engine …");
  const beganAt = Date.now();
  const backend = await startBackend();
  if (!options.json) print(`Started in ${duration(Date.now() - beganAt)}.`);

  const { runs, exitCode } = await play(options, backend, isLive);
  if (exitCode !== undefined) {
    if (!options.json) print("Stopped.");
    return exitCode;
  }
  const summary = summaryOf(runs);
  print(options.json ? JSON.stringify(summary) : `\n${summaryText(runs)}`);
  if (!summary.ok && !options.json)
    for (const warning of backend.warnings)
      process.stderr.write(`${warning}\n`);
  return summary.ok ? 0 : 1;
}

const canShowLive = () =>
  process.stdout.isTTY === true && process.env["TERM"] !== "dumb";

/**
 * @param {Options} options
 * @param {Awaited<ReturnType<typeof startBackend>>} backend
 * @param {boolean} isLive
 */
async function play(options, { call }, isLive) {
  const beganAt = Date.now();
  /** @type {Runner[]} */
  const runners = [];
  const seenUntil = () =>
    Math.min(...runners.map((runner) => runner.seenUntil));
  const changes = inOrder(teller(options, isLive, beganAt), seenUntil);
  const flushing = setInterval(changes.flush, FLUSH_MS, undefined);
  const hasKeys = isLive && process.stdin.isTTY === true;
  const autoSendAfterMs = hasKeys ? AUTO_SEND_WITH_KEYS_MS : AUTO_SEND_MS;
  const graceMs = hasKeys ? GRACE_MS : 0;

  const stop = new AbortController();
  /** @type {number | undefined} */
  let exitCode;
  const stopWith = (/** @type {number} */ code) => {
    exitCode = code;
    stop.abort();
  };
  const onSignal = {
    SIGINT: () => stopWith(130),
    SIGTERM: () => stopWith(143),
    SIGHUP: () => stopWith(129),
  };
  for (const [signal, listener] of Object.entries(onSignal))
    process.on(signal, listener);

  for (const scenario of scenarios(options))
    if (options.names.length === 0 || options.names.includes(scenario.name))
      runners.push(
        createRunner(scenario, { call, tell: changes.hold, autoSendAfterMs }),
      );
  const queue = [...runners];
  /** @type {Set<Promise<void>>} */
  const active = new Set();

  /** @param {Runner} runner @param {() => Promise<unknown>} [begin] */
  const watch = (runner, begin) => {
    const watching = (async () => {
      try {
        await begin?.();
        await runner.watch(stop.signal);
        followOn(runner);
      } catch (error) {
        runner.fail(error);
      }
    })().finally(() => active.delete(watching));
    active.add(watching);
  };

  /** Shows a run's successor too. @param {Runner} runner */
  const followOn = (runner) => {
    const { continuedBy } = runner;
    const isKnown = runners.some(({ run }) => run.workflowId === continuedBy);
    if (continuedBy === undefined || isKnown) return;
    const next = runner.successor();
    runners.splice(runners.indexOf(runner) + 1, 0, next);
    watch(next, async () => next.follow(continuedBy, Date.now()));
  };

  let endsAt = Infinity;
  const live = isLive
    ? showLive({
        runners: () => runners,
        endsAt: () => endsAt,
        restarted: (runner) => watch(runner),
        quit: () => stopWith(130),
        beganAt,
      })
    : undefined;
  try {
    const stopped = new Promise((resolve) =>
      stop.signal.addEventListener("abort", resolve),
    );
    while (!stop.signal.aborted && Date.now() < beganAt + TIME_LIMIT_MS) {
      while (queue[0] && active.size < (queue[0].isLarge ? 1 : AT_ONCE)) {
        const runner = queue.shift();
        if (runner) watch(runner, () => runner.start());
      }
      if (active.size > 0) endsAt = Infinity;
      else if (endsAt === Infinity) endsAt = Date.now() + graceMs;
      if (Date.now() >= endsAt) break;
      await Promise.race([
        ...active,
        ...(active.size > 0 ? [] : [pause(100)]),
        stopped,
      ]);
    }
  } finally {
    live?.close();
    clearInterval(flushing);
    changes.flush(Infinity);
    for (const [signal, listener] of Object.entries(onSignal))
      process.off(signal, listener);
  }
  return { runs: runners.map(({ run }) => run), exitCode };
}

const pause = (/** @type {number} */ ms) =>
  new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {Options} options
 * @param {boolean} isLive
 * @param {number} beganAt
 * @returns {(change: Change) => void}
 */
function teller({ json }, isLive, beganAt) {
  if (isLive) return () => {};
  if (json) return (change) => print(JSON.stringify(change));
  const lineOf = plainLines(beganAt);
  return (change) => {
    const line = lineOf(change);
    if (line !== undefined) print(line);
  };
}
