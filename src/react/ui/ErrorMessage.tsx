import { Message } from "./basics.js";
import { codeOf, messageOf } from "./errors.js";

/** Explains why nothing is shown. */
export function ErrorMessage({ error }: { error: Error }) {
  const message = messageOf(error);
  const title =
    codeOf(error) === "WORKFLOW_NOT_FOUND"
      ? "This run doesn't exist"
      : "The server refused this";
  return (
    <Message kind="error" title={title}>
      <p>{message || "It gave no reason. Look into your deployment's logs."}</p>
    </Message>
  );
}
