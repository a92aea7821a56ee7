import { makeFunctionReference } from "convex/server";
import type { Modules } from "./harness.js";

type Handler = (
  ctx: {
    scheduler: {
      runAfter(ms: number, fn: unknown, args: unknown): Promise<string>;
    };
  },
  args: Record<string, unknown>,
) => Promise<unknown>;

/**
 * Delays the first call of a component's function, as a backlog would: `newBackend({ wrap:
 * delayFirstCall("turns:take", 70_000) })`. Its scheduled function stays pending until then. `applies` selects calls by arguments.
 */
export function delayFirstCall(
  path: string,
  ms: number,
  applies: (args: Record<string, unknown>) => boolean = () => true,
) {
  const [file, name] = path.split(":") as [string, string];
  let isFirst = ms > 0;
  const delayed = (handler: Handler): Handler => {
    return async (ctx, args) => {
      if (!isFirst || !applies(args)) return await handler(ctx, args);
      isFirst = false;
      const again = makeFunctionReference<"mutation">(path);
      await ctx.scheduler.runAfter(ms, again, args);
      return null;
    };
  };
  return (modules: Modules, component: string): Modules =>
    Object.fromEntries(
      Object.entries(modules).map(([at, load]) => [
        at,
        component !== "workflow" || !at.endsWith(`/${file}.ts`)
          ? load
          : async () => {
              const module = (await load()) as Record<
                string,
                { _handler: Handler }
              >;
              const fn = new Proxy(module[name]!, {
                get: (target, key): unknown =>
                  key === "_handler"
                    ? delayed(target._handler)
                    : Reflect.get(target, key),
              });
              return { ...module, [name]: fn };
            },
      ]),
    );
}
