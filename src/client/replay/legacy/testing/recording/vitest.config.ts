import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import base from "../../../../../../vitest.config.js";

const { projects: _, ...test } = base.test!;

/** Separate from the tests' config, because recording writes files. */
export default defineConfig({
  ...base,
  root: fileURLToPath(new URL("../../../../../../", import.meta.url)),
  test: {
    ...test,
    environment: "node",
    include: ["src/client/replay/legacy/testing/recording/all.ts"],
  },
});
