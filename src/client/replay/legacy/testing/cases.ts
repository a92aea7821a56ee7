import * as branches from "./handlers/branches.js";
import type { Handler } from "./handlers/calls.js";
import * as inline from "./handlers/inline.js";
import { nested, nestedFailureCaught } from "./handlers/nested.js";
import * as references from "./handlers/references.js";
import * as races from "./handlers/races.js";
import * as sequences from "./handlers/sequences.js";
import * as waits from "./handlers/waits.js";

/** An event to send `at` milliseconds after the run starts. */
export interface Send {
  at: number;
  /** If absent, the event goes to the one that the run created. */
  name?: string;
  value?: unknown;
  error?: string;
}

/** A run to record. */
export interface Case {
  name: string;
  handler: Handler;
  args: Record<string, number>;
  send: Send[];
  /** The manager's `maxParallelism`. */
  maxParallelism?: number;
  /** The run's results depend on how long its steps take. */
  showsTime?: boolean;
}

const CASES: Case[] = [];

function add(
  name: string,
  handler: Handler,
  options: Partial<Omit<Case, "name" | "handler">> = {},
) {
  CASES.push({ args: {}, send: [], ...options, name, handler });
}

for (const [name, handler] of Object.entries({
  ...sequences,
  ...races,
  ...inline,
  nested,
  nestedFailureCaught,
}))
  add(name, handler, name === "sequential" ? { args: { start: 1 } } : {});

for (const name of [
  "parallelThenOne",
  "thenChains",
  "sharedPromise",
  "asyncIteration",
  "microtaskMarathon",
] as const)
  add(name, branches[name]);

for (const [a, b] of [
  [0, 0],
  [0, 1],
  [0, 3],
  [1, 0],
  [2, 7],
  [5, 0],
  [3, 14],
  [14, 2],
  [8, 9],
] as const)
  add(`unequalBranches-${a}-${b}`, branches.unequalBranches, {
    args: { a, b },
  });

for (const stride of [1, 2])
  add(`threeBranchesWithHelpers-${stride}`, branches.threeBranchesWithHelpers, {
    args: { stride },
  });

add("kindsRace", branches.kindsRace, {
  send: [{ at: 5_000, name: "e1", value: "E" }],
});
add("fanOut-25", branches.fanOut, { args: { n: 25 } });
add("fanOut-25-max3", branches.fanOut, { args: { n: 25 }, maxParallelism: 3 });
add("fanOut-40-max100", branches.fanOut, {
  args: { n: 40 },
  maxParallelism: 100,
});
add("fanOutTwoLevels-14", branches.fanOutTwoLevels, { args: { n: 14 } });
add("fanOutTwoLevels-14-max4", branches.fanOutTwoLevels, {
  args: { n: 14 },
  maxParallelism: 4,
});
add("workerPool", branches.workerPool, { args: { items: 9, workers: 3 } });
add("workerPool-max2", branches.workerPool, {
  args: { items: 9, workers: 4 },
  maxParallelism: 2,
});

add("eventsByName", waits.eventsByName, {
  send: [
    { at: 1_000, name: "go", value: 1 },
    { at: 2_000, name: "other", value: { o: 2 } },
    { at: 3_000, name: "go", value: 3 },
  ],
});
add("eventSentBefore", waits.eventSentBefore, {
  send: [
    { at: 1_000, name: "early", value: "x" },
    { at: 2_000, name: "early", value: "y" },
  ],
});
add("eventErrorAndNoValidator", waits.eventErrorAndNoValidator, {
  send: [
    { at: 1_000, name: "fails", error: "event failed" },
    { at: 2_000, name: "bare" },
  ],
});
add("eventById", waits.eventById, { send: [{ at: 4_000, value: ["v"] }] });
add("eventOrTimeout", waits.eventOrTimeout, {
  send: [{ at: 9_000, name: "answer", value: "late" }],
});
add("eventMadeInHandler", references.eventMadeInHandler, {
  send: [{ at: 4_000, value: ["v"] }],
});
for (const name of [
  "componentFunctions",
  "functionHandles",
  "sendsToItself",
  "startsOthers",
  "startsByHandles",
  "managesAnother",
  "ignoredOptions",
  "layersOfFunctions",
] as const)
  add(name, references[name]);
add("lists", references.lists, { showsTime: true });
add("sleeps", waits.sleeps);
add("clockAndRandom", waits.clockAndRandom, { showsTime: true });
add("clockAmongRequests", waits.clockAmongRequests, { showsTime: true });

export const cases: readonly Case[] = CASES;

export function caseOf({ name }: { name: string }): Case {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`No case has the name "${name}"`);
  return found;
}

/** The case that 0.4 can't finish. See `inlineBranches`. */
export const CONTRADICTION = "inlineBranches";

/** The export name of the case's workflow. */
export const exportName = ({ name }: Case) => name.replaceAll("-", "_");
