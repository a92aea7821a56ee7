import { vResult, vWorkId, type WorkId } from "@convex-dev/workpool";
import { v, type Infer, type VString } from "convex/values";

/** The id of a run: what starting a workflow returns. */
export type WorkflowId = string & { __isWorkflowId: true };
/** Validates a {@link WorkflowId} in arguments, return values and tables. */
export const vWorkflowId = v.string() as VString<WorkflowId>;

/** The id of an event of one run, made by `createEvent`. `Name` is the event's name. */
export type EventId<Name extends string = string> = string & {
  __isEventId: true;
  __name: Name;
};
/**
 * Validates an {@link EventId}.
 *
 * @param _name - The event's name, for the type only.
 */
export const vEventId = <Name extends string = string>(_name?: Name) =>
  v.string() as VString<EventId<Name>>;

const stepFields = {
  workflowId: vWorkflowId,
  name: v.string(),
  stepId: v.string(),
  stepNumber: v.number(),
  args: v.any(),
  runResult: v.optional(vResult),
  startedAt: v.number(),
  completedAt: v.optional(v.number()),
};

/** A field that every step of its kind has, except one that was refused when it was asked for. */
const unlessRefused = <Id extends string>(id: VString<Id>) =>
  v.optional(id) as unknown as VString<Id>;

/** Validates a {@link WorkflowStep}, as `listSteps` returns it. */
export const vWorkflowStep = v.union(
  v.object({
    ...stepFields,
    kind: v.literal("function"),
    workId: v.optional(vWorkId),
    attempt: v.optional(v.number()),
    maxAttempts: v.optional(v.number()),
  }),
  v.object({
    ...stepFields,
    kind: v.literal("workflow"),
    nestedWorkflowId: unlessRefused(vWorkflowId),
  }),
  v.object({
    ...stepFields,
    kind: v.literal("event"),
    eventId: unlessRefused(vEventId()),
  }),
  v.object({
    ...stepFields,
    kind: v.literal("sleep"),
    workId: unlessRefused(vWorkId),
  }),
);

/**
 * One recorded step of a run. `runResult` and `completedAt` are absent while it is in flight;
 * times are milliseconds since 1970. A step that was refused when it was asked for (an event
 * id that is awaited already, say) lacks its `eventId`, `nestedWorkflowId` or `workId`.
 */
export type WorkflowStep = Omit<Infer<typeof vWorkflowStep>, "args"> & {
  args: unknown;
} & (
    | {
        kind: "function";
        workId?: WorkId;
        /** Of an action that is retried: the number of its last attempt, from 1. */
        attempt?: number;
        maxAttempts?: number;
      }
    | { kind: "workflow"; nestedWorkflowId: WorkflowId }
    | { kind: "event"; eventId: EventId }
    | { kind: "sleep"; workId: WorkId }
  );
