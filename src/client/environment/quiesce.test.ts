// @vitest-environment edge-runtime
import { quiesceSuite } from "./testing/quiesceSuite.js";

quiesceSuite();
