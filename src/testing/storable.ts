import { getConvexSize, getDocumentSize, type Value } from "convex/values";
import { expect } from "vitest";
import type { DataModel } from "../component/_generated/dataModel.js";
import { rows, type Backend } from "./harness.js";
import { MiB } from "./units.js";

/**
 * Expects that Convex would accept every row of the component, because convex-test accepts any row.
 */
export async function expectStorableRows(t: Backend) {
  const tables: (keyof DataModel)[] = [
    "workflows",
    "steps",
    "events",
    "onCompleteFailures",
  ];
  for (const table of tables)
    for (const row of await rows(t, table)) {
      expect(getDocumentSize(row as never)).toBeLessThanOrEqual(MiB);
      expect(whyRefusedByConvex(row, 16)).toBeUndefined();
    }
}

function whyRefusedByConvex(
  value: unknown,
  levels: number,
): string | undefined {
  // A lone surrogate doesn't exist in UTF-8.
  if (typeof value === "string" && /\p{Surrogate}/u.test(value))
    return `half a character in ${value.slice(-20)}`;
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof ArrayBuffer) return undefined;
  if (levels === 0) return "nested too deep";
  const fields = Object.values(value);
  if (fields.length > (Array.isArray(value) ? 8192 : 1024)) return "too many";
  for (const field of fields) {
    const why = whyRefusedByConvex(field, levels - 1);
    if (why) return why;
  }
  return undefined;
}

/** Returns a string whose size as a value is `bytes`. */
export function textOf(bytes: number): string {
  return "x".repeat(bytes - getConvexSize(""));
}

/** Returns a value with this many levels. */
export function nested(levels: number): Value {
  let value: Value = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
