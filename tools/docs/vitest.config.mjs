import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "edge-runtime",
    server: { deps: { inline: ["convex-test"] } },
    setupFiles: ["./README/vitest.setup.ts"],
    isolate: false,
    maxWorkers: 1,
    testTimeout: 30_000,
    silent: "passed-only",
    reporters: ["json"],
    outputFile: "report.json",
  },
});
