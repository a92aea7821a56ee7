export { createEnvironment, explainMissingGlobal } from "../environment.js";
export { createQuiesce } from "../quiesce.js";
export { busyHandlers, notWaitedFor } from "./busyHandlers.js";
export { exercise } from "./exercise.js";
export { differences, snapshotGlobals } from "./globalsSnapshot.js";
