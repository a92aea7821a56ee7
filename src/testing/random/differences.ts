/** Fails unless two values are equal as data, and reports the first difference. */
export function same(what: string, actual: unknown, expected: unknown) {
  const difference = firstDifference(plain(actual), plain(expected), "");
  if (difference)
    throw new Error(
      `${what}: different${difference.path && ` at ${difference.path}`}.\n` +
        `  found:    ${show(difference.actual)}\n  expected: ${show(difference.expected)}`,
    );
}

interface Difference {
  path: string;
  actual: unknown;
  expected: unknown;
}

function firstDifference(
  actual: unknown,
  expected: unknown,
  path: string,
): Difference | undefined {
  if (Object.is(actual, expected)) return undefined;
  if (!isObject(actual) || !isObject(expected))
    return { path, actual, expected };
  for (const key of new Set([
    ...Object.keys(actual),
    ...Object.keys(expected),
  ])) {
    const found = firstDifference(actual[key], expected[key], `${path}.${key}`);
    if (found) return found;
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const show = (value: unknown) =>
  value === undefined ? "nothing" : JSON.stringify(value).slice(0, 600);

/** Converts a value to plain data, without undefined fields and prototypes. */
const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value, number));

const number = (_key: string, value: unknown) =>
  typeof value === "bigint" ? `${value}n` : value;
