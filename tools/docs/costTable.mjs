/** The documents' cost table, which has the counts of `npm run bench`. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import prettier from "prettier";
import { ROOT } from "../paths.mjs";

const SOURCE = "_autodocs/LIMITS.md";
const FILE = path.join(ROOT, SOURCE);
const RESULTS = path.join(ROOT, "tools/bench/results.json");
const BEGIN = "<!-- cost table: begin -->";
const END = "<!-- cost table: end -->";

/** The scenarios in the table, with their descriptions. */
const SHOWN = [
  ["sequential mutation", 200, "mutation steps, one after another"],
  ["sequential action", 200, "action steps, one after another"],
  ["fan-out action", 100, "action steps at once"],
  ["children", 20, "nested workflows of one step each, at once"],
  ["sleeps", 20, "sleeps, one after another"],
  ["events awaited", 20, "events, each sent when it is awaited"],
  ["runs started one by one", 500, "runs of one mutation step each"],
];

const FIGURES = [
  ["transactions", "transactions"],
  ["documentsRead", "documents read"],
  ["documentsWritten", "documents written"],
];

export function costTable(results) {
  const titles = FIGURES.map(([, title]) => `${title}, 0.4.8 / this`);
  const rows = SHOWN.map(([scenario, n, words]) => {
    const cells = FIGURES.map(([figure]) =>
      ["0.4.8", "this"]
        .map((which) => sum(results, { scenario, n, which }, figure))
        .join(" / "),
    );
    return `| ${n} ${words} | ${cells.join(" | ")} |`;
  });
  return [
    `| what | ${titles.join(" | ")} |`,
    `| --- | ${FIGURES.map(() => "---:").join(" | ")} |`,
    ...rows,
  ].join("\n");
}

function sum(results, { scenario, n, which }, figure) {
  const found = results.find(
    (each) =>
      each.scenario === scenario && each.n === n && each.package === which,
  );
  if (!found) throw new Error(`Not measured: ${which}, ${scenario}, ${n}`);
  const total = found.windows.reduce(
    (before, { figures }) => before + figures[figure],
    0,
  );
  return total.toLocaleString("en-US");
}

async function withTable() {
  const text = await readFile(FILE, "utf8");
  const results = JSON.parse(await readFile(RESULTS, "utf8"));
  const [before, rest] = text.split(BEGIN);
  const [, after] = (rest ?? "").split(END);
  if (after === undefined)
    throw new Error(`${SOURCE} lacks ${BEGIN} or ${END}`);
  const anew = `${before}${BEGIN}\n\n${costTable(results)}\n\n${END}${after}`;
  return {
    text,
    written: await prettier.format(anew, { parser: "markdown" }),
  };
}

export async function checkCostTable(problems) {
  const { text, written } = await withTable();
  if (text !== written)
    problems.add(
      { source: SOURCE },
      "the cost table is not what tools/bench/results.json says: npm run docs:check -- --write",
    );
}

export async function writeCostTable() {
  await writeFile(FILE, (await withTable()).written);
}
