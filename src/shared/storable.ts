import { getConvexSize, type Value } from "convex/values";
import {
  MAX_ARRAY_LENGTH,
  MAX_ERROR_BYTES,
  MAX_NAME_LENGTH,
  MAX_OBJECT_FIELDS,
  MAX_PREVIEW_BYTES,
  MAX_RESULT_BYTES,
  MAX_VALUE_NESTING,
} from "./limits.js";

/** Truncates an error that is too long to be stored with the rest of a row. */
export function shortenError(error: string, max = MAX_ERROR_BYTES): string {
  if (beginning(error, max) === error) return error;
  const note = ` … (${error.length} characters, cut to ${max} bytes)`;
  return beginning(error, max - NOTE_BYTES) + note;
}

/** Truncates an error to fit into a row that has `room` bytes left. */
export function fitError(error: string, room: number): string {
  const max = Math.min(room / 2, MAX_ERROR_BYTES);
  return shortenError(error, Math.max(MIN_ERROR_BYTES, Math.floor(max)));
}

/** An error of this length fits into any row, because `MAX_ROW_BYTES` leaves room for it. */
const MIN_ERROR_BYTES = 1024;

/** Longer than any note. */
const NOTE_BYTES = 100;

/** Returns the first `max` bytes of a text. It never ends within a character, because Convex can't store half of one. */
function beginning(text: string, max: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > max) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** Returns a name or an id for errors, truncated if it is long. */
export function abbreviate(text: string): string {
  return beginning(text, MAX_SHOWN_BYTES) === text
    ? text
    : `${beginning(text, MAX_SHOWN_BYTES)}…`;
}

const MAX_SHOWN_BYTES = 256;

/** Names are stored in rows and shown in messages, so their length is limited. */
export function nameProblem(what: string, name: string): string | undefined {
  if (name.length <= MAX_NAME_LENGTH) return undefined;
  return `${what} "${abbreviate(name)}" is too long: ${name.length} characters, the maximum is ${MAX_NAME_LENGTH}.`;
}

/**
 * Returns a value's size as Convex counts it. Turns ask for thousands of sizes, and `getConvexSize` takes several times
 * as long. Clears `form.isJson` if the value's JSON text would differ from the value.
 */
export function sizeOf(value: unknown, form?: { isJson: boolean }): number {
  if (typeof value === "string") return 2 + utf8Length(value);
  if (typeof value === "number") {
    // An infinite number, NaN or -0.
    if (form && (value - value !== 0 || (value === 0 && 1 / value < 0)))
      form.isJson = false;
    return 9;
  }
  if (value === undefined) return 0;
  if (value === null || typeof value === "boolean") return 1;
  let size = 2;
  if (isArray(value)) {
    for (const element of value) size += sizeOf(element, form);
    return size;
  }
  if (typeof value !== "object" || !isPlain(value)) {
    if (form) form.isJson = false;
    return getConvexSize(value as Value);
  }
  for (const key in value) {
    const field = (value as Record<string, unknown>)[key];
    // Keys are ASCII.
    if (field !== undefined) size += key.length + 1 + sizeOf(field, form);
  }
  return size;
}

const { isArray } = Array;
const { getPrototypeOf, is, keys, prototype: plain } = Object;

function isPlain(value: object): boolean {
  const prototype: unknown = getPrototypeOf(value);
  return prototype === plain || prototype === null;
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // These four bytes include the other half of the character.
    if (unit >= 0xd800 && unit < 0xdc00 && isLowHalf(text.charCodeAt(at + 1)))
      at++;
  }
  return bytes;
}

const isLowHalf = (unit: number) => unit >= 0xdc00 && unit < 0xe000;

/**
 * Whether `value` would be stored as `stored`. It is also false if a cheap comparison can't tell. Then convert the value
 * and compare.
 */
export function isStoredAs(stored: unknown, value: unknown): boolean {
  if (typeof value === "function") return false;
  if (typeof value !== "object" || value === null) return is(stored, value);
  if (typeof stored !== "object" || stored === null) return false;
  if (isArray(value)) {
    if (!isArray(stored) || stored.length !== value.length) return false;
    for (let at = 0; at < value.length; at++)
      if (!isStoredAs(stored[at], value[at])) return false;
    return true;
  }
  if (!isPlain(value) || !isPlain(stored)) return false;
  let unseen = keys(stored).length;
  for (const key of keys(value)) {
    const field = (value as Record<string, unknown>)[key];
    if (field === undefined) continue;
    const held = (stored as Record<string, unknown>)[key];
    if (key === "__proto__" || !isStoredAs(held, field)) return false;
    unseen--;
  }
  return unseen === 0;
}

/**
 * Returns why `value` can't be stored in a document although functions can pass it, or undefined if it can. `what` names
 * the value in the text.
 */
export function storageProblem(
  what: string,
  value: unknown,
): string | undefined {
  const shape = shapeProblem(value, MAX_VALUE_NESTING);
  return shape && `${what} can't be stored: ${shape}`;
}

/** Returns why a step can't be recorded with these arguments, of at most `max` bytes, or undefined if it can. */
export function argumentsProblem(
  { name, args }: { name: string; args: unknown },
  max: number,
): string | undefined {
  const what = `The arguments of step "${name}"`;
  const shape = storageProblem(what, args);
  if (shape) return shape;
  const size = sizeOf(args);
  if (size <= max) return undefined;
  return `${what} are too large: ${size} bytes, the maximum is ${max} bytes. Store them in a table or a file and pass its id.`;
}

/** Like `storageProblem`, for a step's return value or an event's value, whose size is also limited. */
export function recordingProblem(
  what: string,
  value: unknown,
): string | undefined {
  const shape = storageProblem(what, value);
  if (shape) return shape;
  const size = sizeOf(value);
  if (size <= MAX_RESULT_BYTES) return undefined;
  return (
    `${what} is too large: ${size} bytes, the maximum is ${MAX_RESULT_BYTES} bytes. ` +
    `Store it in a table or a file and return its id. It begins: ${preview(value)}`
  );
}

/** Matches half of a character with two UTF-16 units. A Convex string can't contain it. */
const HALF = /[\ud800-\udfff]/u;

export const hasHalves = (text: string): boolean => HALF.test(text);

/** Returns the text with a replacement character for each half character. */
export const withoutHalves = (text: string): string =>
  text.replace(/[\ud800-\udfff]/gu, "\ufffd");

function shapeProblem(value: unknown, depthLeft: number): string | undefined {
  if (typeof value === "string")
    return hasHalves(value)
      ? "it holds a string with half a character (a lone surrogate)"
      : undefined;
  if (value === null || typeof value !== "object") return undefined;
  if (value instanceof ArrayBuffer) return undefined;
  if (depthLeft === 0)
    return `it is nested more than ${MAX_VALUE_NESTING} levels deep`;
  const inside = Object.values(value) as unknown[];
  const { length } = inside;
  if (isArray(value) && length > MAX_ARRAY_LENGTH)
    return `it holds an array of ${length} elements, the maximum is ${MAX_ARRAY_LENGTH}`;
  if (!isArray(value) && length > MAX_OBJECT_FIELDS)
    return `it holds an object of ${length} fields, the maximum is ${MAX_OBJECT_FIELDS}`;
  for (const inner of inside) {
    const problem = shapeProblem(inner, depthLeft - 1);
    if (problem) return problem;
  }
  return undefined;
}

/**
 * Returns the first `max` bytes of a value as JSON. It doesn't serialize all of a large string first.
 */
export function preview(value: unknown, max = MAX_PREVIEW_BYTES): string {
  const text =
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner === "string") return inner.slice(0, max);
      if (typeof inner === "bigint") return `${inner}n`;
      if (inner instanceof ArrayBuffer) return `<${inner.byteLength} bytes>`;
      return inner;
    }) ?? "undefined";
  const ellipsis = "…";
  return beginning(text, max) === text
    ? text
    : beginning(text, max - sizeOf(ellipsis)) + ellipsis;
}
