/** Serves function calls by HTTP, from `npx convex run`, `ConvexHttpClient` or curl. */
import { encodeTimestamp } from "./clock.mjs";
import { describeFailure } from "./functionCalls.mjs";
import { HttpError } from "./http.mjs";

/** Convex's status for a valid request whose function failed. */
const FUNCTION_FAILED = 560;

export function functionApi({ call, clock }) {
  const callAs = (kind) => async (request) => {
    const { path, componentPath, args } = requestBody(request);
    const { caller } = request;
    const result = await call({ kind, path, componentPath, args, caller });
    return answerOf(result);
  };
  return {
    "POST /api/function": callAs(undefined),
    "POST /api/query": callAs("query"),
    "POST /api/mutation": callAs("mutation"),
    "POST /api/action": callAs("action"),
    "POST /api/query_ts": () => ({
      body: { ts: encodeTimestamp(clock.latest) },
    }),
    // Ignores the timestamp, because the database has no history.
    "POST /api/query_at_ts": callAs("query"),
  };
}

function requestBody({ body }) {
  if (typeof body?.path === "string") return body;
  throw new HttpError(
    400,
    "BadJsonBody",
    'The body must be `{ "path": "module:function", "args": {…} }`.',
  );
}

function answerOf(result) {
  if (result.status === "success") {
    const { status, value, logLines } = result;
    return { body: { status, value, logLines } };
  }
  const { status, errorData, logLines } = result;
  const errorMessage = describeFailure(result);
  return {
    status: FUNCTION_FAILED,
    body: { status, errorMessage, errorData, logLines },
  };
}
