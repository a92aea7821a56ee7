/** Displays and copies Convex values of any size and depth. */
import { convexToJson, jsonToConvex, type Value } from "convex/values";

/** The tree's description of one value. Its children are described only when it is opened. */
export type Described =
  | {
      kind: "leaf";
      type: "string" | "number" | "bigint" | "boolean" | "null" | "bytes";
      text: string;
    }
  | {
      kind: "tree";
      isArray: boolean;
      size: number;
      /** Returns the first children with their names. */
      first: (count: number) => [string, unknown][];
    };

/** Further bytes are counted but not shown. */
const SHOWN_BYTES = 32;

export function describeValue(value: unknown): Described {
  const type = typeof value;
  switch (type) {
    case "bigint":
      return { kind: "leaf", type, text: `${value as bigint}n` };
    case "string":
    case "number":
    case "boolean":
      return {
        kind: "leaf",
        type,
        text: Object.is(value, -0) ? "-0" : String(value),
      };
  }
  if (value instanceof ArrayBuffer)
    return { kind: "leaf", type: "bytes", text: bytesText(value) };
  if (typeof value !== "object" || value === null)
    return { kind: "leaf", type: "null", text: "null" };
  const isArray = Array.isArray(value);
  return {
    kind: "tree",
    isArray,
    size: isArray ? value.length : Object.keys(value).length,
    first: (count) =>
      Object.entries(isArray ? value.slice(0, count) : value).slice(0, count),
  };
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
  const { isArray, size, first } = described;
  put(isArray ? "[" : "{");
  if (depth >= MAX_PREVIEW_DEPTH && size > 0) put("…");
  else
    for (const [index, [key, each]] of first(out.room + 1).entries()) {
      if (out.room <= 0) return;
      put(index === 0 ? (isArray ? "" : " ") : ", ");
      if (!isArray) put(`${key.slice(0, out.room)}: `);
      write(each, out, depth + 1);
    }
  put(isArray ? "]" : size > 0 ? " }" : "}");
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
