import { Backends } from "./backend.js";
import { compare } from "./compare.js";
import { parseOptions, USAGE } from "./options.js";
import { CURRENT } from "./packages/current.js";
import { PUBLISHED } from "./packages/published.js";
import { print } from "./print.js";
import { profile } from "./report/profile.js";
import { trace } from "./report/trace.js";

/** Executes the command line. Returns 0 if nothing failed. */
export async function main(argv: string[]): Promise<number> {
  const options = parseOptions(argv);
  if (typeof options === "string") {
    print(options);
    return 1;
  }
  if (options.help) {
    print(USAGE);
    return 0;
  }
  const installed = [PUBLISHED, CURRENT];
  const { execution } = options;
  if (execution !== undefined)
    installed.push({ ...CURRENT, name: `this, ${execution}`, execution });
  const measured = [];
  for (const which of installed) measured.push(await Backends.with(which));
  if (options.trace) return await trace(measured);
  if (options.profile) return await profile(measured, options.profile);
  return await compare(measured, options);
}
