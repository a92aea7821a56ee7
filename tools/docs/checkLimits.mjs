/** Checks that the numbers in the documents' table of limits match the package. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import ts from "typescript";
import { ROOT } from "../paths.mjs";

export const SOURCE = "_autodocs/LIMITS.md";
const KIB = 1024;
const MIB = 1024 * KIB;

/** Maps the beginning of each row to its text and the constants that it states. */
const ROWS = {
  "Return value of a step": {
    text: "800 KiB",
    is: { MAX_RESULT_BYTES: 800 * KIB },
  },
  "Arguments of a mutation or child": {
    text: "1 MiB less 4 KiB; 1 MB less 4 KiB",
    is: {
      MAX_ROW_BYTES: MIB - 4 * KIB,
      MAX_POOL_ARGS_BYTES: 1_000_000 - 4 * KIB,
    },
  },
  "Arguments and result of one step": {
    text: "1 MiB less 4 KiB",
    is: { MAX_ROW_BYTES: MIB - 4 * KIB },
  },
  "Journal of one run": { text: "8 MiB", is: { MAX_JOURNAL_BYTES: 8 * MIB } },
  "Nesting of a value": {
    text: "13; 8,192; 1,024",
    is: {
      MAX_VALUE_NESTING: 13,
      MAX_ARRAY_LENGTH: 8192,
      MAX_OBJECT_FIELDS: 1024,
    },
  },
  "Stored error": { text: "16 KiB", is: { MAX_ERROR_BYTES: 16 * KIB } },
  "Value of `step.setProgress`": {
    text: "4 KiB",
    is: { MAX_PROGRESS_BYTES: 4 * KIB },
  },
  "Name of a step": { text: "1,024 characters", is: { MAX_NAME_LENGTH: 1024 } },
  "New steps of one turn": {
    text: "400, or 1 MiB of arguments",
    is: { NEW_STEPS_PER_TURN: 400, NEW_BYTES_PER_TURN: MIB },
  },
  "Inline steps of one turn": {
    text: "256, or 300 ms of the turn; at least 100 ms after its replay",
    is: {
      INLINE_STEPS_PER_TURN: 256,
      INLINE_MS_PER_TURN: 300,
      INLINE_MS_AFTER_REPLAY: 100,
    },
  },
  "`runAt` and `runAfter`": { text: "Four years", is: {} },
  "`maxParallelism`": { text: "0 to 200, 25 unless set", is: {} },
};

export async function checkLimits(documents, problems) {
  const limits = await loadLimits();
  const { lines } = documents.find(({ source }) => source === SOURCE);
  const rows = tableUnder(lines, "## Limits");
  for (const [begins, { text, is }] of Object.entries(ROWS)) {
    const row = rows.find(({ cells }) => cells[0].startsWith(begins));
    if (!row?.cells[1].startsWith(text))
      problems.add(
        { source: SOURCE, line: row?.line },
        `the limit of "${begins}" should be "${text}"`,
      );
    for (const [name, value] of Object.entries(is))
      if (limits[name] !== value)
        problems.add(
          { source: SOURCE, line: row?.line },
          `${name} is ${limits[name]}, the table has ${value}`,
        );
  }
  for (const { cells, line } of rows)
    if (!Object.keys(ROWS).some((begins) => cells[0].startsWith(begins)))
      problems.add({ source: SOURCE, line }, `nobody checks: ${cells[0]}`);
}

async function loadLimits() {
  const file = path.join(ROOT, "src/shared/limits.ts");
  const { outputText } = ts.transpileModule(await readFile(file, "utf8"), {
    compilerOptions: { module: ts.ModuleKind.ESNext },
  });
  return await import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

function tableUnder(lines, heading) {
  const start = lines.indexOf(heading);
  const rows = [];
  for (let at = start + 1; at < lines.length && !/^## /.test(lines[at]); at++)
    if (lines[at].startsWith("| "))
      rows.push({
        cells: lines[at]
          .slice(1)
          .split("|")
          .map((cell) => cell.trim()),
        line: at + 1,
      });
  // Drops the table's head.
  return rows.slice(2);
}
