// @vitest-environment node
import { environmentSuite } from "./testing/environmentSuite.js";

environmentSuite();
