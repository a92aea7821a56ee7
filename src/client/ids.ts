import { v, type VString } from "convex/values";

/** The id of a run. `start` returns it. */
export type WorkflowId = string & { __isWorkflowId: true };
/** Validates a {@link WorkflowId} in arguments, return values and tables. */
export const vWorkflowId = v.string() as VString<WorkflowId>;

/** The id of an event. `createEvent` returns it. `Name` is the event's name. */
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
