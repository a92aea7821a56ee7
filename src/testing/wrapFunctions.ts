import type { Modules } from "./harness.js";

export type Handler = (
  ctx: Record<string, any>,
  args: Record<string, any>,
) => Promise<unknown>;

export type ConvexFunction = {
  _handler: Handler;
  isMutation?: true;
  isAction?: true;
};

/** Gives the functions of modules other handlers. `handlerOf` gets paths such as `pool:onComplete`. */
export const wrapFunctions = (
  modules: Modules,
  handlerOf: (path: string, fn: ConvexFunction) => Handler,
): Modules =>
  Object.fromEntries(
    Object.entries(modules).map(([file, load]) => {
      const name = file.replace(/^.*\/(?=[^/]+$)/, "").replace(/\.[jt]s$/, "");
      const wrapped = ([key, value]: [string, unknown]) => [
        key,
        isFunction(value)
          ? withHandler(value, handlerOf(`${name}:${key}`, value))
          : value,
      ];
      return [
        file,
        async () =>
          Object.fromEntries(
            Object.entries((await load()) as object).map(wrapped),
          ) as unknown,
      ];
    }),
  );

const isFunction = (value: unknown): value is ConvexFunction =>
  typeof value === "function" && "_handler" in value;

const withHandler = (fn: ConvexFunction, handler: Handler) =>
  new Proxy(fn, {
    get: (target, key): unknown =>
      key === "_handler" ? handler : Reflect.get(target, key),
  });
