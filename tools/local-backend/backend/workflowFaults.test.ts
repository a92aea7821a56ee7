// @vitest-environment node
import { test } from "vitest";
import { survivesFaults } from "../testing/faultSuite.js";

const title = "workflows survive faults in fresh contexts";

test(title, { timeout: 0 }, async () => {
  const file = "tools/local-backend/backend/workflowFaults.test.ts";
  await survivesFaults(80, { freshContexts: true, file, title });
});
