// @vitest-environment node
import { isolationTests } from "../testing/isolation.js";

isolationTests();
