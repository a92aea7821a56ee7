const MAX_DEPTH = 5;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Formats a value as the platform's console does. Strings are quoted too. */
export function inspect(value: unknown): string {
  if (value instanceof Error) {
    const { stack } = value;
    return stack ? `${String(value)}\n${stack}` : String(value);
  }
  return inspectWithin(value, []);
}

function inspectWithin(value: unknown, parents: object[]): string {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "bigint":
      return `${value}n`;
    case "number":
      return Object.is(value, -0) ? "-0" : `${value}`;
    case "function":
      return value.name === ""
        ? "[Function (anonymous)]"
        : `[Function: ${value.name}]`;
    case "object":
      if (value === null) return "null";
      if (parents.includes(value)) return "[Circular]";
      if (parents.length > MAX_DEPTH)
        return Array.isArray(value) ? "[Array]" : "[Object]";
      return inspectObject(value, (inner) =>
        inspectWithin(inner, [...parents, value]),
      );
    default:
      return String(value);
  }
}

function inspectObject(
  value: object,
  inner: (value: unknown) => string,
): string {
  if (value instanceof Error) return `[${String(value)}]`;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return enclosed("[", value.map(inner), "]");
  if (value instanceof Set)
    return `Set (${value.size}) {${[...value].map(inner).join(", ")}}`;
  if (value instanceof Map) {
    const entries = [...value].map(
      ([key, v]) => `${inner(key)} => ${inner(v)}`,
    );
    return `Map (${value.size}) {${entries.join(", ")}}`;
  }
  const fields = Object.entries(value).map(
    ([name, field]) =>
      `${IDENTIFIER.test(name) ? name : quoted(name)}: ${inner(field)}`,
  );
  const { name } = (value.constructor ?? Object) as { name: string };
  const prefix = name === "Object" ? "" : `${name} `;
  return prefix + enclosed("{", fields, "}");
}

function enclosed(open: string, items: string[], close: string): string {
  return items.length === 0
    ? open + close
    : `${open} ${items.join(", ")} ${close}`;
}

/** Puts the text in single quotes and escapes it as JSON would. */
function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1);
  return `'${escaped.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
