export { WorkflowManager } from "./manager.js";
export { defineWorkflow } from "./define.js";
export * from "./management.js";
export * from "./reading.js";
export { start } from "./start.js";
export type {
  ConsoleBulkResult,
  ConsoleEvent,
  ConsoleFunctions,
  ConsoleOperation,
  ConsoleOptions,
  ConsoleRun,
  ConsoleStats,
  ConsoleStep,
  CutValue,
} from "./console.js";
export { createEvent, defineEvent, sendEvent } from "./events.js";
export { vEventId, vWorkflowId, type EventId, type WorkflowId } from "./ids.js";
export {
  vWorkflowStatus,
  vWorkflowStep,
  type WorkflowStep,
} from "./validators.js";
export { vOnCompleteArgs } from "./onComplete.js";
export type { WorkflowHistory } from "../shared/history.js";
export { RetryAfterError } from "../shared/retryAfter.js";
export { TimeoutError } from "./replay/stepErrors.js";
export { NonRetryableError, vResultValidator } from "./workpool.js";
export type { WorkflowCtx, WorkflowHandler } from "./context.js";
export type {
  CallbackOptions,
  OnCompleteArgs,
  PublicWorkflow,
  Retention,
  RunCounts,
  RunFilter,
  RunMutationCtx,
  RunOptions,
  RunQueryCtx,
  RunResult,
  RunStartOptions,
  RunStatus,
  SchedulerOptions,
  StartOptions,
  StepDefaults,
  TransactionLimits,
  WorkflowArgs,
  WorkflowComponent,
  WorkflowDefinition,
  WorkflowMutationResult,
  WorkflowStatus,
} from "./types.js";
