import { describe, test } from "vitest";
import { useBackend } from "../harness.js";
import { Faults, PLACES, POOL_PLACES, type Place } from "./backend/faults.js";
import { FaultRun } from "./backend/faultRun.js";
import { silenceConsole } from "./backend/quiet.js";
import { useLateTimers } from "./backend/timers.js";
import type { Node } from "./program.js";
import { Random } from "./random.js";
import { firstNumbers, forEachSeed, onlySeed } from "./seeds.js";
import { Coverage } from "./coverage.js";

const FILE = "src/testing/random/everyBoundary.test.ts";

/** Has steps of every kind, alone and in parallel. */
const PROGRAM: Node = {
  do: "seq",
  nodes: [
    {
      do: "try",
      body: {
        do: "combine",
        how: "all",
        members: [
          call(0, "mutation"),
          {
            do: "call",
            id: 1,
            kind: "action",
            plan: { id: 1, ends: "ok", ms: 5, failures: 1 },
          },
          { do: "sleep", id: 2, ms: 50 },
        ],
      },
    },
    {
      do: "try",
      body: {
        do: "combine",
        how: "race",
        members: [
          { do: "event", id: 3, name: "e0", timeout: 300 },
          { do: "child", id: 4, program: call(0, "mutation") },
        ],
      },
    },
    call(5, "mutation"),
    { do: "call", id: 6, kind: "action", plan: { id: 6, ends: "ok", ms: 5 } },
    call(7, "query"),
    call(8, "mutation"),
  ],
};

function call(id: number, kind: "mutation" | "query"): Node {
  return { do: "call", id, kind, plan: { id, ends: "ok" }, shows: ["log"] };
}

useBackend();
useLateTimers();
silenceConsole();

describe.each(["driver", "pool"] as const)("executed by %s", (execution) => {
  const TITLE = `a run survives each fault that can happen to it, one at a time`;

  test(TITLE, { timeout: 3_600_000 }, async () => {
    const faultRunOf = (faults: Faults) =>
      new FaultRun(PROGRAM, new Random(1), faults, { execution });
    const none = Faults.none();
    await faultRunOf(none).run();
    const opportunities = firstNumbers(none.opportunities);
    const coverage = new Coverage<Place>(
      `every boundary, ${execution}`,
      (execution === "pool" ? POOL_PLACES : PLACES).filter(isFirst),
    );
    await forEachSeed(opportunities, FILE, TITLE, async (opportunity) => {
      const faults = Faults.nth(opportunity);
      await faultRunOf(faults).run();
      for (const place of faults.happened) coverage.hit(place);
    });
    if (onlySeed === undefined) coverage.report();
  });
});

/** Whether a place can occur first. The others occur only after another fault. */
const isFirst = (place: Place) => !/^(ending|callback conflict)/.test(place);
