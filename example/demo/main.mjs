/**
 * `npm run demo`: the example's workflows on the local deployment's engine, in real time. Needs
 * nothing but `npm ci`. `npm run demo -- --help` lists its options.
 */
import { main } from "./demo.mjs";

// Whoever reads the output may have read enough.
process.stdout.on("error", () => process.exit(1));

const code = await main(process.argv.slice(2));
// The engine's thread would go on, with timers set for minutes ahead.
process.stdout.write("", () => process.exit(code));
