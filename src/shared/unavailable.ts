/** What Convex, and convex-test, say of host functions that mutations, and so handlers, don't have. */
const UNAVAILABLE =
  /^(?:Can't use |`)(fetch|setTimeout|setInterval)\b(?:(?:\(\))? in |` is not supported in )/;

/** If an error is about such a function, what to use in its place. */
export function explainUnavailable(error: string): string | undefined {
  const name = UNAVAILABLE.exec(error)?.[1];
  if (name === undefined) return undefined;
  return name === "fetch"
    ? "A workflow's handler can't use `fetch`. Call it in an action, and call that as a step: step.runAction(internal.file.name, args)."
    : `A workflow's handler can't use \`${name}\`. To wait, use step.sleep(ms).`;
}
