import { ConvexError } from "convex/values";

/** The codes by which callers can tell errors apart. */
export type ErrorCode =
  | "WORKFLOW_FINISHED"
  | "WORKFLOW_NOT_FOUND"
  | "WORKFLOW_RUNNING"
  | "EVENT_NOT_FOUND"
  | "EVENT_ALREADY_SENT"
  | "EVENT_ALREADY_CONSUMED"
  | "INVALID_ARGUMENT"
  | "UNAUTHORIZED";

export const invalidArgument = (message: string, workflowId?: string) =>
  codedError("INVALID_ARGUMENT", message, workflowId);

/** An error whose data reaches clients. Its text is the message, not the data as JSON. */
export function codedError(
  code: ErrorCode,
  message: string,
  workflowId?: string,
) {
  const data = { code, message };
  const error = new ConvexError(
    workflowId === undefined ? data : { ...data, workflowId },
  );
  error.message = message;
  return error;
}
