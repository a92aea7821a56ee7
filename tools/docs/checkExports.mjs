/**
 * Checks `_autodocs/EXPORTS.md`. Each entry point has a heading and a table, with a row for each export:
 * its name and the file that defines it. Every export needs a JSDoc comment.
 */
import { entryPoints, exportsOf, membersOf } from "./packageExports.mjs";

const SOURCE = "_autodocs/EXPORTS.md";
const ROW = /^\| `(\w+)` +\| ([\w ]+?) +\| `([^`]+)` +\|/;

/** Each member of these exports must be documented under its own heading. */
const REFERENCES = {
  WorkflowManager: "_autodocs/api-reference/WorkflowManager.md",
  WorkflowCtx: "_autodocs/api-reference/WorkflowCtx.md",
};

/** Exports whose declaration no document repeats. */
const NOT_REPEATED = new Set([
  ...["WorkflowComponent", "ComponentApi", "TransactionLimits"],
  ...["vWorkflowId", "vEventId", "vWorkflowStep", "vWorkflowStatus"],
  ...["vResultValidator", "vOnCompleteArgs"],
  ...["NonRetryableError", "RetryAfterError", "TimeoutError"],
  ...["register", "MockFunction", "default"],
  ...["ConsoleFunctions", "ConsoleApi"],
  ...["WorkflowConsole", "WorkflowConsoleProps"],
]);

export async function checkExports({
  program,
  installed,
  documents,
  declared,
  problems,
}) {
  const listed = readTables(documents.find(({ source }) => source === SOURCE));
  for (const entryPoint of await entryPoints(installed)) {
    const { entry } = entryPoint;
    const rows = listed.get(entry);
    if (!rows) {
      problems.add({ source: SOURCE }, `no heading \`${entry}\``);
      continue;
    }
    listed.delete(entry);
    const exported = exportsOf(program, installed, entryPoint);
    compareExports(entry, rows, exported, problems);
    for (const { name } of exported)
      if (!declared.has(name) && !NOT_REPEATED.has(name))
        problems.add({ source: "_autodocs" }, `no block declares ${name}`);
    checkReferences(program, exported, documents, problems);
  }
  for (const [entry] of listed)
    problems.add({ source: SOURCE }, `not an entry point: ${entry}`);
}

/** Reads the tables. A heading in backquotes starts the table of an entry point. */
export function readTables({ lines }) {
  const tables = new Map();
  let rows;
  for (const [at, line] of lines.entries()) {
    const entry = /^## (`.*`)$/.exec(line)?.[1];
    if (entry !== undefined) {
      rows = [];
      for (const [, one] of entry.matchAll(/`([^`]+)`/g)) tables.set(one, rows);
    } else if (/^## /.test(line)) rows = undefined;
    const [, name, kind, file] = ROW.exec(line) ?? [];
    if (name !== undefined && rows) rows.push({ name, kind, file, at });
  }
  return tables;
}

export function compareExports(entry, rows, exported, problems) {
  for (const { name, isValue, definedIn, documentation } of exported) {
    const place = { source: SOURCE };
    const row = rows.find((each) => each.name === name);
    if (!row) problems.add(place, `${entry} exports ${name}, not listed`);
    else {
      if (row.file !== definedIn)
        problems.add(
          { ...place, line: row.at + 1 },
          `${name} is defined in ${definedIn}, not ${row.file}`,
        );
      if ((row.kind === "type") === isValue)
        problems.add(
          { ...place, line: row.at + 1 },
          `${name} is a ${isValue ? "value" : "type"}, not a ${row.kind}`,
        );
    }
    if (definedIn.startsWith("src/client") && documentation === "")
      problems.add({ source: definedIn }, `${name} has no JSDoc comment`);
  }
  for (const { name, at } of rows)
    if (!exported.some((each) => each.name === name))
      problems.add({ source: SOURCE, line: at + 1 }, `${entry} has no ${name}`);
}

function checkReferences(program, exported, documents, problems) {
  for (const { name, symbol } of exported) {
    const source = REFERENCES[name];
    if (!source) continue;
    const { headings } = documents.find((each) => each.source === source);
    const named = new Set(
      headings.flatMap((heading) =>
        [...heading.matchAll(/(\w+)/g)].map(([, word]) => word),
      ),
    );
    for (const { name: member, isMethod, documentation } of membersOf(
      program,
      symbol,
    )) {
      if (!isMethod) continue;
      if (documentation === "")
        problems.add({ source: name }, `${member} has no JSDoc comment`);
      if (!named.has(member))
        problems.add({ source }, `no heading for ${member}`);
    }
  }
}
