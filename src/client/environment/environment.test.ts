// @vitest-environment edge-runtime
import { environmentSuite } from "./testing/environmentSuite.js";

environmentSuite();
