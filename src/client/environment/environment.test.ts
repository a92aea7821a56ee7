// @vitest-environment edge-runtime
import { describe } from "vitest";
import { environmentSuite } from "./testing/environmentSuite.js";
import { quiesceSuite } from "./testing/quiesceSuite.js";

describe("an environment", environmentSuite);
describe("waiting until a handler is blocked", quiesceSuite);
