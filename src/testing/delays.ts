import { makeFunctionReference } from "convex/server";
import type { Modules } from "./harness.js";
import { wrapFunctions } from "./wrapFunctions.js";

/**
 * Delays the first call of a component's function, as a backlog would: `newBackend({ wrap:
 * delayFirstCall("turns:take", 70_000) })`. Its scheduled function stays pending until then. `applies` selects calls by arguments.
 */
export function delayFirstCall(
  path: string,
  ms: number,
  applies: (args: Record<string, unknown>) => boolean = () => true,
) {
  let isFirst = ms > 0;
  return (modules: Modules, component: string): Modules =>
    wrapFunctions(modules, (called, { _handler }) => async (ctx, args) => {
      const isDelayed =
        isFirst && component === "workflow" && called === path && applies(args);
      if (!isDelayed) return await _handler(ctx, args);
      isFirst = false;
      const again = makeFunctionReference<"mutation">(path);
      await ctx["scheduler"].runAfter(ms, again, args);
      return null;
    });
}
