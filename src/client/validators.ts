import { vWorkId, type WorkId } from "@convex-dev/workpool";
import { v, type Infer, type VObject } from "convex/values";
import { oneOf } from "../shared/oneOf.js";
import type { vRunResult } from "../shared/outcome.js";
import {
  listedStepFields,
  storedStepFields,
  vFunctionType,
  type StepState,
} from "../shared/stepFields.js";
import { vEventId, vWorkflowId, type EventId, type WorkflowId } from "./ids.js";

const stepFields = {
  ...listedStepFields(),
  workflowId: vWorkflowId,
  kind: oneOf("function", "workflow", "event", "sleep", "patch"),
  workId: v.optional(vWorkId),
  nestedWorkflowId: v.optional(vWorkflowId),
  eventId: v.optional(vEventId()),
  attempt: v.optional(v.number()),
  maxAttempts: v.optional(v.number()),
  functionType: v.optional(vFunctionType()),
  child: v.optional(
    v.object({
      workflowId: vWorkflowId,
      status: oneOf("inProgress", "completed", "failed", "canceled"),
    }),
  ),
};
type StepFields = typeof stepFields;

/**
 * Validates a {@link WorkflowStep}, as `listSteps` returns it. You can spread its `fields` into another
 * `v.object`.
 */
export const vWorkflowStep = v.object(stepFields) as unknown as VObject<
  WorkflowStep,
  StepFields
>;

/**
 * One recorded step of a run. `runResult` and `completedAt` are absent while it is in flight.
 * Times are milliseconds since 1970. A step that was refused when the handler issued it (for example
 * because its event id is already awaited) lacks its `eventId`, `nestedWorkflowId` or `workId`.
 */
export type WorkflowStep = {
  workflowId: WorkflowId;
  name: string;
  stepId: string;
  stepNumber: number;
  args: any;
  runResult?: Infer<ReturnType<typeof vRunResult>>;
  startedAt: number;
  completedAt?: number;
  /**
   * `scheduled`: it is due later, as you asked. `queued`: it is due, and waits for a slot.
   * `backingOff`: it waits for the next attempt. `waiting`: it waits for an event, or for its sleep to end.
   */
  state: StepState;
  /** While the step is in flight, when it starts, its sleep ends, or its wait times out. */
  dueAt?: number;
  /**
   * The last ten attempts of a function that have begun, oldest first, with errors cut to 1 KiB. The last
   * one's `startedAt` is when it was due.
   */
  attempts: { startedAt: number; endedAt?: number; error?: string }[];
} & (
  | {
      kind: "function";
      /** Absent in steps that were listed by an earlier release. */
      functionType?: "query" | "mutation" | "action";
      workId?: WorkId;
      /** The number of the last attempt, from 1, if the action is retried. */
      attempt?: number;
      maxAttempts?: number;
    }
  | {
      kind: "workflow";
      nestedWorkflowId: WorkflowId;
      /** Absent if the nested run was cleaned up. */
      child?: {
        workflowId: WorkflowId;
        status: "inProgress" | "completed" | "failed" | "canceled";
      };
    }
  | { kind: "event"; eventId: EventId }
  | { kind: "sleep"; workId: WorkId }
  /** A call of `step.patched` that returned true. Its `name` is the patch's id. */
  | { kind: "patch" }
);

/** `runResult` and `completedAt` are absent while the step is in flight. */
const running = storedStepFields();

export const vRunningStep = v.union(
  v.object({
    ...running,
    // Always present. Optional in the type, because apps written for 0.4 may check it.
    kind: v.optional(v.literal("function")),
    functionType: vFunctionType(),
    handle: v.string(),
    workId: v.optional(vWorkId),
  }),
  v.object({
    ...running,
    kind: v.literal("workflow"),
    handle: v.string(),
    workflowId: v.optional(vWorkflowId),
  }),
  v.object({
    ...running,
    kind: v.literal("event"),
    eventId: v.optional(vEventId()),
  }),
  v.object({
    ...running,
    kind: v.literal("sleep"),
    workId: v.optional(vWorkId),
  }),
);

/** The last value that the handler passed to `step.setProgress`. */
const progress = v.optional(v.any());

/** Validates a `WorkflowStatus`, as `getStatus` returns it. */
export const vWorkflowStatus = v.union(
  v.object({
    type: v.literal("inProgress"),
    running: v.array(vRunningStep),
    progress,
  }),
  v.object({ type: v.literal("completed"), result: v.any(), progress }),
  v.object({ type: v.literal("canceled"), progress }),
  v.object({ type: v.literal("failed"), error: v.string(), progress }),
);
