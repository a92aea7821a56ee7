import { usualLatency } from "../latency.js";
import { recorder } from "../recording/recorder.js";
import type { ProgramArgs } from "../app/workflows.js";
import { program } from "./programs.js";
import type { Scenario } from "./scenario.js";

// The same programs with a model of a backend's latency. See `latency.ts`.

const timed = (
  description: string,
  n: number,
  workflow: string,
  args: Partial<ProgramArgs>,
  result?: (n: number) => number,
): Scenario => {
  const scenario = program({
    name: `time: ${description}`,
    description,
    workflow,
    args,
    ...(result ? { result } : {}),
    sizes: [n],
    quickSizes: [n],
  });
  return {
    ...scenario,
    run: async (n, measuring) => {
      recorder.latency = usualLatency();
      await scenario.run(n, measuring);
    },
  };
};

export const latencies: Scenario[] = [
  timed("mutation steps", 50, "sequential", { kind: "mutation" }),
  timed("query steps", 50, "sequential", { kind: "query" }),
  timed("action steps", 50, "sequential", { kind: "action" }),
  timed("action steps of 100 ms", 50, "sequential", {
    kind: "action",
    ms: 100,
  }),
  timed("action steps of 1 s", 50, "sequential", { kind: "action", ms: 1000 }),
  timed("action steps of 5 s", 50, "sequential", { kind: "action", ms: 5000 }),
  timed("sleeps of 1 s", 50, "sleeps", { ms: 1000 }, (n) => n),
  timed("fan-out of actions of 1 s, default", 100, "parallel", {
    kind: "action",
    ms: 1000,
  }),
  timed("fan-out of actions of 100 ms, maxParallelism 100", 100, "wide", {
    kind: "action",
    ms: 100,
  }),
];
