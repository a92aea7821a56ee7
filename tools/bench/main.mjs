/**
 * `npm run bench`: what this package costs a backend, beside the existing one. Needs nothing but `npm ci`,
 * no build and no network. `npm run bench -- --help` lists its options.
 */
import { loadSource } from "./loadSource.mjs";

// The reader of the output may have closed the pipe.
process.stdout.on("error", () => process.exit(1));

const { main } = await loadSource("tools/bench/bench.ts");
const code = await main(process.argv.slice(2));
// Time no longer passes by itself here: nothing that waits for it would end.
process.stdout.write("", () => process.exit(code));
