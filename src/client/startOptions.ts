import { codedError } from "../shared/errors.js";
import { MAX_NAME_LENGTH } from "../shared/limits.js";
import { abbreviate } from "../shared/storable.js";
import { checkOptions } from "./options.js";
import type { Retention } from "./types.js";

/** The options of a start in the arguments of a workflow's mutation. */
export interface StartCall {
  runAt?: number;
  runAfter?: number;
  timeout?: number;
  retention?: Retention;
  key?: string;
  ifRunning?: "return" | "throw" | "replace";
}

function refuse(what: string, why: string): never {
  throw codedError("INVALID_ARGUMENT", `Invalid options of ${what}: ${why}`);
}

export function checkMs(what: string, option: string, ms: number | undefined) {
  if (ms === undefined || (ms >= 0 && Number.isFinite(ms))) return;
  refuse(what, `${option} is ${shown(ms)}. Expected milliseconds from 0.`);
}

const shown = (value: unknown) =>
  typeof value === "string" ? `"${abbreviate(value)}"` : String(value);

export function checkRetention(what: string, retention: Retention | undefined) {
  checkOptions("retention", retention, `${what}: retention`);
  for (const [end, ms] of Object.entries(retention ?? {}))
    checkMs(what, `retention.${end}`, ms);
}

/** The second wins, for each kind of end. */
export const mergedRetention = (a?: Retention, b?: Retention) =>
  a || b ? { ...a, ...b } : undefined;

/** Refuses invalid options. Returns when the first turn is due, unless it is due now. */
export function checkStart(name: string, call: StartCall): number | undefined {
  const what = `start("${name}")`;
  const { runAt, runAfter, timeout, retention, key, ifRunning } = call;
  checkMs(what, "runAt", runAt);
  checkMs(what, "runAfter", runAfter);
  checkMs(what, "timeout", timeout);
  checkRetention(what, retention);
  if (runAt !== undefined && runAfter !== undefined)
    refuse(what, "runAt and runAfter exclude each other. Give one of them.");
  const due = runAfter === undefined ? runAt : Date.now() + runAfter;
  if (key !== undefined && typeof key !== "string")
    refuse(what, `the key is ${shown(key)}. Expected a string.`);
  if (key !== undefined && (key === "" || key.length > MAX_NAME_LENGTH))
    refuse(
      what,
      `the key "${abbreviate(key)}" has ${key.length} characters. Expected 1 to ${MAX_NAME_LENGTH}.`,
    );
  if (ifRunning === undefined) return due;
  if (!["return", "throw", "replace"].includes(ifRunning))
    refuse(
      what,
      `ifRunning is ${shown(ifRunning)}. Expected "return", "throw" or "replace".`,
    );
  if (key === undefined) refuse(what, "ifRunning needs a key.");
  return due;
}
