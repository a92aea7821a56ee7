import { EngineReplay } from "./replay.js";
import type { StepRequest } from "./journal.js";
/** TODO */
export class LegacyReplay<R extends StepRequest> extends EngineReplay<R> {}
