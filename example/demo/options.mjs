// @ts-check
import { parseArgs } from "node:util";

/** @import { Options } from "./types.mjs" */

/** @param {string[]} names which there are */
export const usage = (names) => `npm run demo -- [options] [name…]

Runs the workflows of example/convex, and shows what they do. Names: which ones; default: all.

  ${names.join(", ")}

  --plain  print what happens line by line, as when this is not a terminal
  --json   print what happens as lines of JSON
  --fail   let a run fail that should not: the demo then ends with exit code 1
  --help   print this
`;

/**
 * @param {string[]} argv
 * @param {string[]} known the names there are
 * @returns {Options}
 * @throws an error with a message for the user
 */
export function parseOptions(argv, known) {
  const flag = { type: /** @type {const} */ ("boolean"), default: false };
  const { values, positionals: names } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { plain: flag, json: flag, fail: flag, help: flag },
  });
  for (const name of names) {
    if (!known.includes(name))
      throw new Error(
        `There is no workflow "${name}". These exist: ${known.join(", ")}`,
      );
  }
  return { ...values, names };
}
