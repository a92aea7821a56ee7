/**
 * `npm run bench` compares this package's costs with those of the published release. You only need `npm ci`
 * first, no build and no network. `npm run bench -- --help` lists its options.
 */
import { loadSource } from "./loadSource.mjs";

// The reader of the output may have closed the pipe.
process.stdout.on("error", () => process.exit(1));

const { main } = await loadSource("tools/bench/bench.ts");
const code = await main(process.argv.slice(2));
// The clock is replaced and stands still now, so timers would keep the process alive.
process.stdout.write("", () => process.exit(code));
