import { test } from "vitest";
import { generate } from "./generate.js";
import { HAZARDS, executeRandomRun } from "./memory/randomRun.js";
import { checkPrediction, checkPrefixes } from "./memory/checks.js";
import { checkInOrder } from "./memory/inOrder.js";
import { RUN_ID } from "./memory/turn.js";
import { Random } from "./random.js";
import { forEachSeed, onlySeed, seeds } from "./seeds.js";
import { Coverage } from "./coverage.js";

const coverage = new Coverage("random programs in memory", HAZARDS);
const TITLE =
  "random programs do what the oracle predicts, in whatever order results arrive";

test(TITLE, { timeout: 3_600_000 }, async () => {
  await forEachSeed(
    seeds(700),
    "src/testing/random/core.test.ts",
    TITLE,
    async (seed) => {
      const random = new Random(seed);
      const program = generate(random.fork(), {
        refusals: true,
        steps: random.between(2, 14),
        children: 1,
      });
      if (onlySeed !== undefined) console.info(JSON.stringify(program));
      const { run, restarted, turns } = await executeRandomRun(
        program,
        random.fork(),
        coverage,
      );
      const predicted = await checkPrediction(program, run.rows, run.end, {
        runId: RUN_ID,
        inlineFirst: !restarted,
      });
      await checkPrefixes(program, run.rows, predicted, {
        runId: RUN_ID,
        quiesce: turns.quiesce,
      });
      if (!restarted) await checkInOrder(program, run.rows, RUN_ID);
    },
  );
  if (onlySeed === undefined) coverage.report();
});
