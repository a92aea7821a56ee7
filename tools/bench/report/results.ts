import type { Result } from "./result.js";
import type { Scenario } from "../scenarios/scenario.js";
import { COLUMNS } from "./columns.js";
import { inAll, inWindow } from "./sums.js";
import { countsTable } from "./counts.js";
import { growthTable } from "./growth.js";
import { timesTable } from "./times.js";

const isTimed = ({ scenario }: Result) => scenario.startsWith("time: ");

/** Formats all measurements as Markdown. */
export function resultsText(results: Result[], scenarios: Scenario[]): string {
  const timed = results.filter(isTimed);
  const counted = results.filter((result) => !isTimed(result));
  const sections = [HEAD];
  const section = (title: string, ...texts: (string | undefined)[]) => {
    if (texts.includes(undefined)) return;
    sections.push(`## ${title}`, ...(texts as string[]));
  };

  section(
    "In all, until nothing is scheduled any more",
    countsTable(counted, inAll),
  );
  section("How that grows with n", growthTable(counted));
  section(
    "Of that, until the handlers have returned",
    countsTable(counted, inWindow("run")),
  );
  section(
    "Of that, the starts of many runs",
    countsTable(counted, inWindow("start")),
  );
  section("Time, as a model", TIME, timesTable(timed));
  const failures = failuresOf(results);
  if (failures.length > 0) section("What failed", failures.join("\n"));
  section(
    "Columns",
    COLUMNS.map(({ title, description }) => `- ${title}: ${description}`).join(
      "\n",
    ),
  );
  section(
    "Scenarios",
    scenarios
      .filter(({ name, description }) => name !== `time: ${description}`)
      .map(({ name, description }) => `- ${name}: ${description}`)
      .join("\n"),
  );
  return `${sections.join("\n\n")}\n`;
}

const HEAD = `# What it costs

Written by \`npm run bench\`. **0.4.8** is the existing package, **this** this repository; ratio is how many
times as much the existing one takes. Counts come from running both on convex-test, with the limits
of a transaction on: they are the same on every machine. Not modelled: conflicts between transactions.`;

const TIME = `The scheduler begins a function 5 to 25 ms after it is due, and a call from an action takes 2 to 8 ms to
begin, both drawn from a seed. What steps do themselves takes the time that is said, transactions take none.`;

const failuresOf = (results: Result[]) =>
  results.flatMap(({ scenario, n, package: name, error }) =>
    error ? [`- ${name}, ${scenario}, n = ${n}: ${oneLine(error)}`] : [],
  );

const oneLine = (error: string) => error.split("\n")[0]!.slice(0, 300);
