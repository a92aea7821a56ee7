// @vitest-environment node
import { test } from "vitest";
import { survivesFaults } from "../testing/faultSuite.js";

const title = "workflows survive faults in contexts that are used again";

test(title, { timeout: 0 }, async () => {
  const file = "tools/local-backend/backend/workflowFaultsShared.test.ts";
  await survivesFaults(160, { freshContexts: false, file, title });
});
