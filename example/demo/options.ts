export interface Options {
  help: boolean;
  /** Let the example's action fail more often than it is retried. */
  fail: boolean;
}

const KNOWN: Record<string, { option: keyof Options; says: string }> = {
  "--fail": {
    option: "fail",
    says: "let the action fail more often than it is retried: its run fails, and so does the demo",
  },
  "--help": { option: "help", says: "say this" },
};

export const USAGE = [
  "npm run demo -- [options]",
  ...Object.entries(KNOWN).map(([flag, { says }]) => `  ${flag}  ${says}`),
].join("\n");

/** The options, or what is wrong with them. */
export function parseOptions(argv: string[]): Options | string {
  const options: Options = { help: false, fail: false };
  for (const flag of argv) {
    const known = KNOWN[flag];
    if (!known) return `Unknown option "${flag}". These exist:\n${USAGE}`;
    options[known.option] = true;
  }
  return options;
}
