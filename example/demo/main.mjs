/**
 * `npm run demo` runs the example's workflows on the local backend's engine, in real time. You only need
 * `npm ci` first. `npm run demo -- --help` lists its options.
 */
import { main } from "./demo.mjs";

// The reader of the output may have closed the pipe.
process.stdout.on("error", () => process.exit(1));

const code = await main(process.argv.slice(2));
// The engine's thread would keep running, because it has timers minutes ahead.
process.stdout.write("", () => process.exit(code));
