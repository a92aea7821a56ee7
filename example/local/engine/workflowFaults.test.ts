// @vitest-environment node
import { expect, test } from "vitest";
import { bundle, WORKFLOW_APP } from "../testing/backend.js";
import { ordeal } from "../testing/ordeal.js";

const SEEDS = Number(process.env.SEEDS ?? 100);
const SEED = process.env.SEED;

test(`workflows on their bundles survive faults, ${SEED ?? SEEDS}`, async () => {
  const push = await bundle(WORKFLOW_APP);
  const seeds = SEED
    ? [Number(SEED)]
    : Array.from({ length: SEEDS }, (_, i) => i);
  const totals: Record<string, number> = {};
  const failures: string[] = [];
  for (const seed of seeds) {
    try {
      const { counts } = await ordeal(push, seed);
      for (const [name, count] of Object.entries(counts))
        totals[name] = (totals[name] ?? 0) + count;
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  console.log(totals);
  expect(failures).toEqual([]);
}, 600_000);
