// @vitest-environment edge-runtime
import { isolationTests } from "../testing/isolation.js";

isolationTests();
