import { ConvexError } from "convex/values";

/** What a caller can tell errors apart by. */
export type ErrorCode = "WORKFLOW_FINISHED" | "WORKFLOW_NOT_FOUND";

export const codedError = (
  code: ErrorCode,
  message: string,
  workflowId?: string,
) =>
  new ConvexError(
    workflowId === undefined
      ? { code, message }
      : { code, message, workflowId },
  );
