/**
 * Parses the conversation below an example, which shows calls and their expected results:
 *
 *     // > greet({ name: "Ada" })
 *     // completed: "Hello, Ada!"
 *
 * A line that begins with `// >` calls a function of the file, or of another file as in `emails.sent`.
 * If the function is a workflow, the line starts it. The lines after it show the expected result:
 *
 * - `completed: value`, `failed: "part of the error"`, `canceled`, `cleaned up`: the final state of the run that
 *   was started last, once nothing is due any more;
 * - `waits for "a", "b"`: the steps that the run then has in flight;
 * - `throws "part of the error"`;
 * - anything else: the returned value. `...` allows further fields.
 *
 * A line that begins with `then` shows a later result, as in `then completed: 1`.
 * `workflowId` is the run that was started last.
 */
import ts from "typescript";

const CALL = /^\/\/ > (.*)$/;
const MORE = /^\/\/ ?(.*)$/;

/** @param {string} code */
export function transcriptOf(code) {
  const calls = [];
  let current;
  for (const [at, line] of code.split("\n").entries()) {
    const call = CALL.exec(line)?.[1];
    if (call !== undefined) {
      current = { at, call, expected: [] };
      calls.push(current);
      continue;
    }
    const more = MORE.exec(line)?.[1];
    if (more === undefined || more.trim() === "") current = undefined;
    else if (current && !isWhole(current.call)) current.call += ` ${more}`;
    else current?.expected.push(more);
  }
  return calls.map(toCall);
}

const isWhole = (call) => {
  const file = ts.createSourceFile("call.ts", call, ts.ScriptTarget.ES2022);
  return file.parseDiagnostics.length === 0;
};

function toCall({ at, call, expected }) {
  const [, path, args] = /^([\w.]+)\(([\s\S]*)\)$/.exec(call.trim()) ?? [];
  if (path === undefined)
    return { at, problem: `not a call of a function: ${call}` };
  const text = expected.join("\n").trim();
  if (text === "")
    return { at, problem: `nothing is said of what comes of ${call}` };
  return {
    at,
    path: path.split("."),
    args: args.trim() || "{}",
    expectations: text.split(/\nthen /).map(toExpectation),
  };
}

function toExpectation(text) {
  const [, kind, rest] =
    /^(completed:|failed:|waits for|throws|canceled|cleaned up)\s*([\s\S]*)$/.exec(
      text,
    ) ?? [];
  switch (kind) {
    case "completed:":
      return { kind: "completed", value: loose(rest) };
    case "failed:":
      return { kind: "failed", value: rest };
    case "waits for":
      return { kind: "waits", value: `[${rest}]` };
    case "throws":
      return { kind: "throws", value: rest };
    case "canceled":
    case "cleaned up":
      return { kind, value: "null" };
    default:
      return { kind: "value", value: loose(text) };
  }
}

/** Converts `{ a: 1, ... }` to a matcher that allows further fields. */
function loose(text) {
  let result = text;
  const more = /\{((?:[^{}]|\{[^{}]*\})*?),?\s*\.\.\.\s*\}/;
  while (more.test(result))
    result = result.replace(more, "expect.objectContaining({$1})");
  return result;
}

/** Returns a test that executes the conversation. */
export function toTest(title, module, calls) {
  const lines = calls.flatMap(({ path, args, expectations }) => {
    const [name, of] = [...path].reverse();
    const call = `"${of ?? module}", "${name}", (workflowId: any) => (${args})`;
    return expectations.map(({ kind, value }, at) => {
      const expected = `"${kind}", (workflowId: any) => (${value})`;
      return at === 0
        ? `  await session.call(${call}, ${expected});`
        : `  await session.expectNext(${expected});`;
    });
  });
  return [
    `test(${JSON.stringify(title)}, async () => {`,
    "  const session = newSession(modules);",
    ...lines,
    "});",
  ].join("\n");
}
