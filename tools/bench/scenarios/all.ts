import { events } from "./events.js";
import { latencies } from "./latencies.js";
import { managing } from "./managing.js";
import { manyRuns } from "./manyRuns.js";
import { operating } from "./operating.js";
import { programs } from "./programs.js";
import type { Scenario } from "./scenario.js";

export const scenarios: Scenario[] = [
  ...programs,
  ...events,
  ...manyRuns,
  ...managing,
  ...operating,
  ...latencies,
];
