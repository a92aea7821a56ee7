/** The folder of this package's sources if they aren't bundled, as in tests. */
const ownFolder = () =>
  framesOf(new Error())[0]?.match(
    /([^\s(]*\/)client\/turn\/handlerLine\.[jt]s/,
  )?.[1];

/** Returns the first line of the app's own code in an error's stack, if it has one. */
export function handlerLine(error: unknown): string | undefined {
  const folder = ownFolder();
  return framesOf(error).find((frame) => !isForeign(frame, folder));
}

function framesOf(error: unknown): string[] {
  try {
    const { stack, message } = error as Error;
    // In Node, a stack begins with the message, which may contain the stack of another function.
    const own = String(stack).replace(message, () => "");
    return [...own.matchAll(/^\s+at (.*)$/gm)].map(([, at]) => at!);
  } catch {
    return [];
  }
}

/** Whether a frame belongs to this package (a push bundles it into its own file), to another one, or to the runtime. */
const isForeign = (frame: string, own: string | undefined) =>
  /node_modules|_deps\/|node:|<anonymous>|\bnative\b/.test(frame) ||
  (own !== undefined &&
    ["client/", "shared/", "engine/", "component/"].some((folder) =>
      frame.includes(own + folder),
    ) &&
    !/\.test\.\w+:/.test(frame));
