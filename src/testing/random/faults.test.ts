import { afterEach, test, vi } from "vitest";
import { useBackend } from "../harness.js";
import { Faults, PLACES, type Place } from "./backend/faults.js";
import { FaultRun, HAPPENINGS, type Happening } from "./backend/faultRun.js";
import { silenceConsole } from "./backend/quiet.js";
import { useLateTimers } from "./backend/timers.js";
import { generate } from "./generate.js";
import { Random } from "./random.js";
import { forEachSeed, onlySeed, seeds } from "./seeds.js";
import { Coverage } from "./coverage.js";

const FILE = "src/testing/random/faults.test.ts";
interface Suite {
  name: string;
  title: string;
  usualSeeds: number;
  /** The maximum number of faults in a run. */
  most: number;
  hazards: (Place | Happening)[];
  cancel: number;
  restart: number;
  operator?: number;
}

const BY_OPERATOR = ["canceled by an operator", "recovered"] as const;

const SUITES: Suite[] = [
  {
    name: "faults",
    title:
      "whatever fails where, each result is recorded once and every run ends",
    usualSeeds: 180,
    most: 5,
    hazards: [...PLACES, ...HAPPENINGS].filter(
      (hazard) => !BY_OPERATOR.includes(hazard as never),
    ),
    cancel: 0.2,
    restart: 0.3,
  },
  {
    name: "an operator",
    title:
      "whatever scheduled functions an operator cancels, recover brings every run back",
    usualSeeds: 60,
    most: 0,
    hazards: [...HAPPENINGS],
    cancel: 0.1,
    restart: 0.3,
    operator: 1,
  },
];

useBackend();
useLateTimers();
silenceConsole();
afterEach(() => vi.restoreAllMocks());

for (const suite of SUITES)
  test(suite.title, { timeout: 3_600_000 }, async () => {
    const { name, title, usualSeeds, most, ...chances } = suite;
    const coverage = new Coverage<Place | Happening>(name, suite.hazards);
    await forEachSeed(seeds(usualSeeds), FILE, title, async (seed) => {
      const random = new Random(seed);
      // Backoff uses random numbers.
      const varies = new Random(seed);
      vi.spyOn(Math, "random").mockImplementation(() => varies.next());
      const program = generate(random.fork(), {
        refusals: true,
        steps: random.between(2, 8),
        children: 1,
      });
      const faults = Faults.random(random.fork(), most);
      const faultRun = new FaultRun(program, random, faults, {
        ...chances,
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
