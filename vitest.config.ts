import { defineConfig } from "vitest/config";

// The package's own name resolves to its sources, as in tsconfig.json.
const conditions = ["@convex-dev/component-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: "edge-runtime",
    // They use import.meta.glob or sources in TypeScript, so Vite must see them.
    server: { deps: { inline: ["convex-test", /@convex-dev\//] } },
    pool: "threads",
    maxWorkers: 2,
    // For what hangs: however busy the machine is, nothing else takes as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: { name: "src", include: ["src/**/*.test.ts"] },
      },
      {
        extends: true,
        test: {
          name: "example",
          include: ["example/**/*.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "tools",
          include: ["tools/**/*.test.ts"],
          globalSetup: "tools/local-backend/testing/bundles.ts",
          exclude: ["**/node_modules/**", "tools/packed-app/**"],
        },
      },
    ],
  },
});
