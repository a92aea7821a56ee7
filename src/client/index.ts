export { WorkflowManager } from "./manager.js";
export { defineWorkflow } from "./define.js";
export {
  cancel,
  cleanup,
  counts,
  findByKey,
  recover,
  getStatus,
  list,
  listByName,
  listSteps,
  restart,
} from "./management.js";
export { start } from "./start.js";
export {
  cancelMany,
  cleanupMany,
  exportHistory,
  listEvents,
  listOnCompleteFailures,
  restartMany,
  retryOnComplete,
  type ManyOptions,
  type ManyResult,
  type OnCompleteFailure,
  type RestartManyOptions,
  type WorkflowEvent,
} from "./operating.js";
export {
  getRun,
  getStep,
  listNames,
  listStepSummaries,
  listSummaries,
  type EngineJob,
  type ListSummariesOptions,
  type RunDetails,
  type RunRelative,
  type RunSummary,
  type StepCounts,
  type StepSummary,
} from "./inspecting.js";
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
