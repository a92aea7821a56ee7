/** Returns the status of a run that completed with this result. */
export const completed = <Result>(result: Result) => ({
  type: "completed" as const,
  result,
});

/** Returns the status of a run that failed with this error. */
export const failed = <Message>(error: Message) => ({
  type: "failed" as const,
  error,
});
