import { convexToJson, type JSONValue, type Value } from "convex/values";
import { errorMessage } from "../shared/failures.js";
import { MAX_VALUE_NESTING } from "../shared/limits.js";

/**
 * Converts a value to the form in which Convex stores it.
 *
 * @throws If Convex can't store it. The error begins with `where`, names the first part that can't be stored, and
 * suggests an alternative.
 */
export function toJson(where: string, value: unknown): JSONValue {
  try {
    return convexToJson(value as Value);
  } catch (cause) {
    const found = firstUnsupported(value, "");
    const why = found
      ? `${found.path || "the value"} is ${found.kind}, which Convex can't store. ${found.advice}`
      : errorMessage(cause);
    throw new Error(`${where}: ${why}`, { cause });
  }
}

interface Unsupported {
  path: string;
  kind: string;
  advice: string;
}

function firstUnsupported(
  value: unknown,
  path: string,
  around: unknown[] = [],
): Unsupported | undefined {
  const isArray = Array.isArray(value);
  const described = isArray ? undefined : describe(value);
  if (described) return { path, ...described };
  if (typeof value !== "object" || value === null) return undefined;
  if (around.includes(value))
    return { path, kind: "a value that contains it", advice: "Leave it out." };
  if (around.length > MAX_VALUE_NESTING)
    return { path, kind: "too deeply nested", advice: "Flatten it." };
  for (const [key, inner] of Object.entries(value)) {
    const at = isArray ? `${path}[${key}]` : `${path}.${key}`;
    const found = firstUnsupported(inner, at, [...around, value]);
    if (found) return found;
  }
  return undefined;
}

function describe(value: unknown): Omit<Unsupported, "path"> | undefined {
  if (typeof value === "function")
    return { kind: "a function", advice: "Leave it out, or call it." };
  if (typeof value === "symbol")
    return { kind: "a symbol", advice: "Use a string." };
  if (typeof value !== "object" || value === null) return undefined;
  if ("then" in value && typeof value.then === "function")
    return { kind: promiseOf(value), advice: "Await it first." };
  if (ArrayBuffer.isView(value))
    return { kind: "a typed array", advice: "Use its buffer." };
  // Not `instanceof`, because the handler has its own Date.
  const prototype = Object.getPrototypeOf(value) as object | null;
  const name = prototype?.constructor?.name ?? "";
  if (!prototype || name === "Object" || name === "ArrayBuffer")
    return undefined;
  const advice = ADVICE[name] ?? "Use a plain object, such as { ...value }.";
  const article = /^[AEIOU]/.test(name) ? "an" : "a";
  return { kind: `${article} ${name || "class instance"}`, advice };
}

/** A step's promise has the step's name. */
const promiseOf = (promise: { then: unknown; stepName?: unknown }) =>
  typeof promise.stepName === "string"
    ? `the promise of step "${promise.stepName}"`
    : "a promise";

const ADVICE: Record<string, string> = {
  Date: "Use its getTime(), a number.",
  Map: "Use [...map] or Object.fromEntries(map).",
  Set: "Use [...set].",
  URL: "Use its href.",
  RegExp: "Use its source.",
  Error: "Use its message.",
};
