import { expect } from "vitest";
import { REFUSALS } from "../backend/admission.mjs";
import { forEachSeed, seeds } from "../../../src/testing/random/seeds.js";
import { bundle, WORKFLOW_APP } from "./backend.js";
import { runWithFaults, PROGRAMS, type Counts } from "./faultRun.js";

/** The faults and states that every set of seeds must cover. */
const HAZARDS = [
  ...["conflict", "action conflict", "report lost", "transaction timeout"],
  ...["action crash before call", "action crash after call"],
  ...["killed before commit", "killed after commit"],
  ...["job queued", "too many writes", "system error", "many ranges read"],
  ...Object.keys(REFUSALS),
  ...["scheduled mutation refused", "scheduled action refused"],
  ...["log overflow", "calls after return", "reads together"],
  "identity in a component",
  ...["action crash before call", "action crash after call"].map(ofDriver),
  ...["action conflict", "report lost"].map(ofDriver),
  // A driver fell back to the pool, a driver crashed, and the watchdog checked a run.
  ...["driving:fallBackToPool", "driving:onComplete", "turns:look"],
  "switched",
  // An operator canceled scheduled functions.
  ...["pending canceled", "inProgress canceled", "born canceled"],
];
function ofDriver(hazard: string) {
  return `${hazard} of driving:drive`;
}

const OPERATIONS = ["start", "send", "cancel", "restart", "cancelAndRestart"];

/** Fewer seeds may not cover everything. */
const ENOUGH_SEEDS = 50;

/** Set by `npm run soak`. Runs new seeds for this long. */
const SOAK_SECONDS = process.env.SOAK_SECONDS;

/** Runs workflows under each seed's faults until every fault has occurred, and reports how often each did. */
export async function survivesFaults(
  usualSeeds: number,
  options: { freshContexts: boolean; file: string; title: string },
) {
  const { file, title, freshContexts } = options;
  const push = await bundle(WORKFLOW_APP);
  const totals: Counts = {};
  const expected = [...HAZARDS, ...OPERATIONS, ...PROGRAMS];
  const missing = () => expected.filter((name) => !totals[name]);
  let count = 0;
  const survive = async (seed: number) => {
    const counts = await runWithFaults(push, seed, { freshContexts });
    for (const [name, times] of Object.entries(counts))
      totals[name] = (totals[name] ?? 0) + times;
    count++;
  };
  if (SOAK_SECONDS === undefined)
    await forEachSeed(
      seeds(usualSeeds),
      file,
      title,
      survive,
      () => missing().length === 0,
    );
  else {
    const began = Date.now();
    const end = began + 1000 * Number(SOAK_SECONDS);
    for (let seed = began; Date.now() < end; seed++)
      await forEachSeed([seed], file, title, survive);
  }
  if (count < ENOUGH_SEEDS) return;
  console.log(
    `${title}, ${count} seeds: ` +
      expected.map((name) => `${name} ${totals[name] ?? 0}`).join(", "),
  );
  expect(missing(), "hazards, operations and programs that never came").toEqual(
    [],
  );
}
