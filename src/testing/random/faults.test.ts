import { afterEach, test, vi } from "vitest";
import { useBackend } from "../harness.js";
import { Faults, PLACES } from "./backend/faults.js";
import { HAPPENINGS, FaultRun } from "./backend/faultRun.js";
import { useQuietConsole } from "./backend/quiet.js";
import { useLateTimers } from "./backend/timers.js";
import { generate } from "./generate.js";
import { Random } from "./random.js";
import { forEachSeed, onlySeed, seeds } from "./seeds.js";
import { Coverage } from "./coverage.js";

const FILE = "src/testing/random/faults.test.ts";
const TITLE =
  "whatever fails where, each result is recorded once and every run ends";

useBackend();
useLateTimers();
useQuietConsole();
afterEach(() => vi.restoreAllMocks());

test(TITLE, { timeout: 3_600_000 }, async () => {
  const coverage = new Coverage("faults", [...PLACES, ...HAPPENINGS]);
  await forEachSeed(seeds(180), FILE, TITLE, async (seed) => {
    const random = new Random(seed);
    // Pauses are varied by it.
    const varies = new Random(seed);
    vi.spyOn(Math, "random").mockImplementation(() => varies.next());
    const program = generate(random.fork(), {
      steps: random.between(2, 8),
      children: 1,
    });
    const faults = Faults.atRandom(random.fork(), 5);
    const faultRun = new FaultRun(program, random, faults, {
      cancel: 0.2,
      restart: 0.3,
      onHappening: (happening) => coverage.hit(happening),
    });
    try {
      await faultRun.run();
    } finally {
      if (onlySeed !== undefined)
        console.info(JSON.stringify(program), faults.happened.join());
    }
    for (const place of faults.happened) coverage.hit(place);
  });
  if (onlySeed === undefined) coverage.report();
});
