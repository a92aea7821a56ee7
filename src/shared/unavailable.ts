/** The errors of Convex and convex-test about host functions that mutations don't have, so handlers don't either. */
const UNAVAILABLE =
  /^(?:Can't use |`)(fetch|setTimeout|setInterval)\b(?:(?:\(\))? in |` is not supported in )/;

/** If an error is about such a function, returns advice on an alternative. */
export function explainUnavailable(error: string): string | undefined {
  const name = UNAVAILABLE.exec(error)?.[1];
  if (name === undefined) return undefined;
  return name === "fetch"
    ? "A workflow's handler can't use `fetch`. Call it in an action, and call that as a step: step.runAction(internal.file.name, args)."
    : `A workflow's handler can't use \`${name}\`. To wait, use step.sleep(ms).`;
}
