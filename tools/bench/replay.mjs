/**
 * Measures the CPU time of one turn that replays a long journal, without a deployment. Compares checkouts of this
 * repository: `node tools/bench/replay.mjs . ../before`.
 */
import { existsSync } from "node:fs";
import inspector from "node:inspector/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { build } from "esbuild";
import { createModuleContext } from "../bundleModules.mjs";

/** The current and former modules of `readJournal`. */
const JOURNAL_ROWS = [
  "src/engine/turn/journalRows.ts",
  "src/component/journalRows.ts",
];

/** The current and former modules of `takeTurn`. */
const TURN = ["src/client/turn/turn.ts", "src/client/turn.ts"];

const existing = (checkout, files) =>
  files.map((file) => path.join(checkout, file)).find(existsSync);

const entryOf = (checkout) => `
  import { makeFunctionReference } from "convex/server";
  export { convexToJson, jsonToConvex } from "convex/values";
  export { takeTurn } from ${JSON.stringify(existing(checkout, TURN))};
  export * as journalRows from ${JSON.stringify(existing(checkout, JOURNAL_ROWS))};

  const add = makeFunctionReference("steps:add");
  const argsOf = (n) => ({ n, text: "a text of some length", list: [1, 2, { three: 3 }] });

  export const handlerOf = (steps) => async (step) => {
    let sum = 0;
    for (let n = 0; n < steps; n++) sum += (await step.runMutation(add, argsOf(n))).n;
    return sum;
  };

  export const rowsOf = (steps) => Array.from({ length: steps }, (_, n) => ({
    _id: "step" + n,
    _creationTime: 1e12 + n,
    workflowId: "run",
    stepNumber: n,
    step: {
      kind: "function",
      functionType: "mutation",
      handle: "function://add",
      name: "steps:add",
      inProgress: false,
      argsSize: 100,
      args: argsOf(n),
      runResult: { kind: "success", returnValue: { n, text: "another text" } },
      startedAt: 1e12 + n,
      completedAt: 1e12 + n + 1,
    },
    delivery: { order: n, issued: n + 1 },
    wakes: "always",
  }));`;

const RUN = {
  _id: "run",
  _creationTime: 1,
  name: "long",
  workflowHandle: "function://long",
  args: {},
  generationNumber: 0,
  engineVersion: 1,
};

const METRICS = Object.fromEntries(
  [
    ...["bytesRead", "bytesWritten", "databaseQueries", "documentsRead"],
    ...["documentsWritten", "functionsScheduled", "scheduledFunctionArgsBytes"],
  ].map((name) => [name, { used: 0, remaining: 1e9 }]),
);

/** Reads the journal in the current or the former form of `beginTurn`'s result. */
async function readPages(journalRows, ctx) {
  const { pages, entries, size } = await journalRows.readJournal(ctx, RUN._id);
  return pages
    ? { pages: journalRows.toPages(pages), size }
    : { pages: journalRows.pages(entries), size };
}

/** @param {string} checkout */
async function bundleOf(checkout) {
  const { outputFiles } = await build({
    stdin: { contents: entryOf(checkout), resolveDir: checkout },
    bundle: true,
    write: false,
    // Bundles as the Convex CLI does.
    format: "cjs",
    target: "esnext",
    conditions: ["convex", "module"],
    minifySyntax: true,
    keepNames: true,
  });
  return outputFiles[0].text;
}

const FILE = "replay-bundle.js";

/**
 * Prepares a turn in its own context, without Node's globals. It replays `steps` recorded steps and ends its run.
 *
 * @param {string} checkout
 * @param {number} steps
 */
export async function prepareTurn(checkout, steps) {
  const script = new vm.Script(
    `(function (module, exports) {${await bundleOf(path.resolve(checkout))}\n})`,
    { filename: FILE },
  );
  const module = { exports: {} };
  script.runInContext(createModuleContext())(module, module.exports);
  const bundle = module.exports;
  const stored = bundle.rowsOf(steps);
  let hostCalls = 0;
  // The host answers only when no microtask is left.
  const host = (answer) => {
    hostCalls++;
    return new Promise((resolve) => setImmediate(() => resolve(answer)));
  };
  const component = {
    journal: {
      beginTurn: "beginTurn",
      startSteps: "startSteps",
      commit: "commit",
    },
    workflow: { complete: "complete", create: "workflow/workflow/create" },
  };

  return async () => {
    hostCalls = 0;
    const spent = stopwatch();
    const db = { query: () => ({ withIndex: () => stored }) };
    const { pages, size } = await readPages(bundle.journalRows, { db });
    const answer = JSON.stringify(
      bundle.convexToJson({
        workflow: RUN,
        journal: pages,
        journalSize: size,
        blocked: false,
        logLevel: "WARN",
      }),
    );
    const readMs = spent();
    const begun = bundle.jsonToConvex(JSON.parse(answer));
    const parseMs = spent();
    const answers = {
      beginTurn: begun,
      startSteps: [],
      commit: [],
      complete: null,
    };
    const ctx = {
      meta: { getTransactionMetrics: () => host(METRICS) },
      runMutation: (name) => host(answers[name]),
    };
    const { runResult } = await bundle.takeTurn(
      ctx,
      { component, handler: bundle.handlerOf(steps) },
      { workflowId: RUN._id, generationNumber: 0 },
    );
    const replayMs = spent();
    if (runResult?.returnValue !== (steps * (steps - 1)) / 2)
      throw new Error(`The turn ended as ${JSON.stringify(runResult)}`);
    return { readMs, parseMs, replayMs, hostCalls };
  };
}

/** Returns a function that returns the CPU milliseconds since its last call. */
function stopwatch() {
  let before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    return (user + system) / 1000;
  };
}

/**
 * Counts how often a turn calls each function of the bundle. This measure of its work is the same on every machine.
 *
 * @param {() => Promise<unknown>} turn
 * @returns {Promise<Map<string, number>>} by name, with all unnamed functions together
 */
export async function callsOf(turn) {
  const session = new inspector.Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", {
    callCount: true,
    detailed: false,
  });
  await session.post("Profiler.takePreciseCoverage");
  await turn();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  const calls = new Map();
  for (const { functions } of result.filter(({ url }) => url === FILE))
    for (const { functionName, ranges } of functions)
      calls.set(functionName, (calls.get(functionName) ?? 0) + ranges[0].count);
  return calls;
}

const STEPS = 8000;
const ROUNDS = 7;

async function main(checkouts) {
  console.log(
    `CPU of one turn that replays ${STEPS} steps, median of ${ROUNDS}:`,
  );
  const rounds = checkouts.map(() => []);
  // Alternate between checkouts, so that other load on the machine affects them equally.
  for (let round = 0; round < ROUNDS; round++)
    for (const [at, checkout] of checkouts.entries())
      rounds[at].push(await (await prepareTurn(checkout, STEPS))());
  const totals = rounds.map((each) => median(each.map(totalOf)));
  for (const [at, checkout] of checkouts.entries()) {
    const part = (name) =>
      Math.round(median(rounds[at].map((each) => each[name])));
    console.log(
      `${checkout}: ${Math.round(totals[at])} ms, ${Math.round((100 * totals[at]) / totals[0])} % of the first ` +
        `(reading the journal ${part("readMs")}, handing it over ${part("parseMs")}, replaying ${part("replayMs")}); ` +
        `${(rounds[at][0].hostCalls / STEPS).toFixed(3)} host calls a step`,
    );
  }
}

const totalOf = ({ readMs, parseMs, replayMs }) => readMs + parseMs + replayMs;

const median = (values) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2).length > 0 ? process.argv.slice(2) : ["."]);
