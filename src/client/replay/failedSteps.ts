/** The request of the step that each error came from. */
const requests = new WeakMap<object, object>();

export function rememberStep(error: Error, request: object) {
  requests.set(error, request);
}

/** The request of the step whose error a handler didn't catch. Undefined if the handler itself threw. */
export const stepOfError = (error: unknown): object | undefined =>
  typeof error === "object" && error !== null ? requests.get(error) : undefined;
