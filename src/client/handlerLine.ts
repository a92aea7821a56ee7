/** Where the sources of this package are, if they aren't bundled: in tests. */
const OWN_FOLDER = framesOf(new Error())[0]?.match(
  /([^\s(]*\/)client\/handlerLine\.[jt]s/,
)?.[1];

/** The first line of an app's own code in an error's stack, if it has one. */
export function handlerLine(error: unknown): string | undefined {
  return framesOf(error).find((frame) => !isForeign(frame));
}

function framesOf(error: unknown): string[] {
  try {
    const { stack, message } = error as Error;
    // In Node a stack begins with the message, which may hold the stack of another function.
    const own = String(stack).replace(message, () => "");
    return [...own.matchAll(/^\s+at (.*)$/gm)].map(([, at]) => at!);
  } catch {
    return [];
  }
}

/** Of this package, which an app's push bundles into a file of its own, of other packages, or of the runtime. */
const isForeign = (frame: string) =>
  /node_modules|_deps\/|node:|<anonymous>|\bnative\b/.test(frame) ||
  (OWN_FOLDER !== undefined &&
    ["client/", "shared/", "engine/", "component/"].some((folder) =>
      frame.includes(OWN_FOLDER + folder),
    ) &&
    !/\.test\.\w+:/.test(frame));
