import { invalidArgument } from "../shared/errors.js";
import { MAX_NAME_LENGTH } from "../shared/limits.js";
import { checkOptions, shown } from "./options.js";
import type { Retention, RunStartOptions } from "./types.js";

/** The options of a start in the arguments of a workflow's mutation. */
export type StartCall = Omit<RunStartOptions, "runAt" | "runAfter"> & {
  runAt?: number;
  runAfter?: number;
  startAsync?: boolean;
  execution?: "driver" | "pool";
};

function refuse(what: string, why: string): never {
  throw invalidArgument(`Invalid options of ${what}: ${why}`);
}

/** Checks the times that a start, a definition and a manager share, in milliseconds. */
export function checkTimes(
  what: string,
  { runAt, runAfter, timeout, retention }: StartCall,
) {
  checkOptions("retention", retention, `${what}: retention`);
  const kept = Object.entries(retention ?? {}).map(
    ([end, ms]) => [`retention.${end}`, ms] as const,
  );
  const times = Object.entries({ runAt, runAfter, timeout });
  for (const [option, ms] of [...times, ...kept])
    if (ms !== undefined && !(ms >= 0 && Number.isFinite(ms)))
      refuse(what, `${option} is ${shown(ms)}. Expected milliseconds from 0.`);
}

/** Merges retentions. For each kind of end, the second takes precedence. */
export const mergedRetention = (a?: Retention, b?: Retention) =>
  a || b ? { ...a, ...b } : undefined;

const CHOICES: [keyof StartCall, unknown[]][] = [
  ["startAsync", [true, false]],
  ["execution", ["driver", "pool"]],
  ["ifRunning", ["return", "throw", "replace"]],
];

/** Refuses invalid options. Returns when the first turn is due, unless it is due now. */
export function checkStart(name: string, call: StartCall): number | undefined {
  const what = `start("${name}")`;
  const { runAt, runAfter, key, ifRunning } = call;
  checkTimes(what, call);
  for (const [option, allowed] of CHOICES) {
    const chosen = call[option];
    if (chosen !== undefined && !allowed.includes(chosen))
      refuse(
        what,
        `${option} is ${shown(chosen)}. Expected ${allowed.map(shown).join(" or ")}.`,
      );
  }
  if (runAt !== undefined && runAfter !== undefined)
    refuse(what, "runAt and runAfter exclude each other. Give one of them.");
  if (key !== undefined && typeof key !== "string")
    refuse(what, `the key is ${shown(key)}. Expected a string.`);
  if (key !== undefined && (key === "" || key.length > MAX_NAME_LENGTH))
    refuse(
      what,
      `the key ${shown(key)} has ${key.length} characters. Expected 1 to ${MAX_NAME_LENGTH}.`,
    );
  if (ifRunning !== undefined && key === undefined)
    refuse(what, "ifRunning needs a key.");
  return runAfter === undefined ? runAt : Date.now() + runAfter;
}
