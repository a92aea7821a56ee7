import { parseArgs } from "node:util";

export interface Options {
  help: boolean;
  quick: boolean;
  /** Measure only scenarios whose name matches. */
  only: RegExp | undefined;
  json: string | undefined;
  /** Measure this package once more, with steps executed this way. */
  execution: "driver" | "pool" | undefined;
  trace: boolean;
  /** Print each function's cost in the scenarios whose names match this. */
  profile: RegExp | undefined;
}

export const USAGE = `npm run bench -- [options]
  --quick              smaller sizes: two minutes instead of ten to twenty
  --only <pattern>     only scenarios whose name matches, such as "fan-out|sleeps"
  --json <file>        write the figures there too
  --execution <which>  measure this package a second time, with steps executed by "driver" or "pool"
  --trace              instead: every transaction of one step, for each kind of step
  --profile <pattern>  instead: what each function cost, in scenarios whose name matches
  --help               print this help
A full run (no --quick, no --only) writes tools/bench/RESULTS.md and results.json.`;

/** Returns the options, or an error message. */
export function parseOptions(argv: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        help: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        json: { type: "string" },
        execution: { type: "string" },
        trace: { type: "boolean", default: false },
        profile: { type: "string" },
      },
    });
    const { help, quick, json, trace } = values;
    return {
      ...{ help, quick, json, trace },
      only: pattern(values.only),
      profile: pattern(values.profile),
      execution: execution(values.execution),
    };
  } catch (error) {
    return `${(error as Error).message}\n${USAGE}`;
  }
}

const pattern = (text: string | undefined) =>
  text === undefined ? undefined : new RegExp(text);

function execution(text: string | undefined) {
  if (text === undefined || text === "driver" || text === "pool") return text;
  throw new Error(`--execution must be "driver" or "pool", not "${text}"`);
}
