/**
 * `npm run soak -- --seconds 600` runs workflows under random faults for that long, with
 * new seeds. A failure prints its seed.
 */
import { parseArgs } from "node:util";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "300" } },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) {
  console.error(`--seconds must be a positive number, not "${values.seconds}"`);
  process.exit(1);
}

const { code } = await run(
  "npx",
  ["vitest", "run", "--project", "tools", "workflowFaults"],
  {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, SOAK_SECONDS: `${seconds}` },
  },
);
process.exitCode = code;
