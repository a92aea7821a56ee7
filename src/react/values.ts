/** Displays and copies Convex values of any size and depth. */
import { convexToJson, jsonToConvex, type Value } from "convex/values";

/** The tree's description of one value. Its children are described only when it is opened. */
export type Described =
  | {
      kind: "leaf";
      type: "string" | "number" | "bigint" | "boolean" | "null" | "bytes";
      text: string;
    }
  | { kind: "array"; values: unknown[] }
  | { kind: "object"; entries: [string, unknown][] };

/** Further bytes are counted but not shown. */
const SHOWN_BYTES = 32;

export function describeValue(value: unknown): Described {
  switch (typeof value) {
    case "string":
      return { kind: "leaf", type: "string", text: value };
    case "bigint":
      return { kind: "leaf", type: "bigint", text: `${value}n` };
    case "number":
      return {
        kind: "leaf",
        type: "number",
        text: Object.is(value, -0) ? "-0" : String(value),
      };
    case "boolean":
      return { kind: "leaf", type: "boolean", text: String(value) };
  }
  if (value instanceof ArrayBuffer)
    return { kind: "leaf", type: "bytes", text: bytesText(value) };
  if (Array.isArray(value)) return { kind: "array", values: value };
  if (typeof value === "object" && value !== null)
    return { kind: "object", entries: Object.entries(value) };
  return { kind: "leaf", type: "null", text: "null" };
}

function bytesText(buffer: ArrayBuffer) {
  const bytes = new Uint8Array(buffer.slice(0, SHOWN_BYTES));
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const more = buffer.byteLength > SHOWN_BYTES ? " …" : "";
  return `${buffer.byteLength.toLocaleString("en")} bytes${hex.length ? `: ${hex.join(" ")}` : ""}${more}`;
}

/** Returns the beginning of a value on one line. It reads only the part that it shows. */
export function preview(value: unknown, length = 160): string {
  const out = { text: "", room: length };
  write(value, out, 0);
  return out.room > 0 ? out.text : `${out.text.slice(0, length)}…`;
}

const MAX_PREVIEW_DEPTH = 6;

function write(
  value: unknown,
  out: { text: string; room: number },
  depth: number,
) {
  const put = (text: string) => {
    out.text += text;
    out.room -= text.length;
  };
  const described = describeValue(value);
  if (described.kind === "leaf") {
    put(
      described.type === "string"
        ? JSON.stringify(described.text.slice(0, out.room))
        : described.text,
    );
    return;
  }
  const isArray = described.kind === "array";
  put(isArray ? "[" : "{");
  const items = isArray ? described.values : described.entries;
  if (depth >= MAX_PREVIEW_DEPTH && items.length > 0) put("…");
  else
    for (const [index, item] of items.entries()) {
      if (out.room <= 0) return;
      put(index === 0 ? (isArray ? "" : " ") : ", ");
      if (isArray) write(item, out, depth + 1);
      else {
        const [key, each] = item as [string, unknown];
        put(`${key.slice(0, out.room)}: `);
        write(each, out, depth + 1);
      }
    }
  put(isArray ? "]" : items.length > 0 ? " }" : "}");
}

/** Returns Convex's JSON, which keeps 64-bit integers and bytes. */
export function toJson(value: unknown): string {
  return JSON.stringify(
    value === undefined ? null : convexToJson(value as Value),
    null,
    2,
  );
}

/** Parses a typed event value as JSON, with Convex's encoding of integers and bytes. */
export function parseTyped(
  text: string,
): { value: unknown } | { problem: string } {
  if (text.trim() === "") return { value: undefined };
  try {
    return { value: jsonToConvex(JSON.parse(text)) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
