// @vitest-environment node
import { quiesceSuite } from "./testing/quiesceSuite.js";

quiesceSuite();
