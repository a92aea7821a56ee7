/**
 * `npm run demo`: the example's workflows on an in-memory backend, in real time. Needs nothing but
 * `npm ci`, no build and no network. `npm run demo -- --help` lists its options.
 */
import { loadSource } from "../tools/loadSource.mjs";

// Whoever reads the output may have read enough.
process.stdout.on("error", () => process.exit(1));

const { exports, close } = await loadSource("example/demo/demo.ts");
process.exitCode = await exports.main(process.argv.slice(2));
await close();
// The backend has timers set for minutes ahead.
process.stdout.write("", () => process.exit());
