import { mutationGeneric } from "convex/server";
import { isLeftBehind, type Backend } from "./backends.js";
import { currentCall } from "./inlineSteps.js";
import { heedingModule } from "./mocks.js";

export type Modules = Record<string, () => Promise<unknown>>;

/** Wraps the modules of a component for a test's backend. convex-test loads a module for each call. */
export const watchedModules = (modules: Modules, backend: Backend): Modules =>
  Object.fromEntries(
    Object.entries(modules).map(([path, load]) => [
      path,
      async () =>
        isLeftBehind(backend) && !(await currentCall())
          ? NOTHING
          : heedingModule(
              path,
              (await load()) as Record<string, unknown>,
              backend,
            ),
    ]),
  );

/** Replaces every scheduled function in a backend that was left behind. */
const nothing = mutationGeneric({ handler: () => null });
const NOTHING = new Proxy(
  {},
  // With a method `then`, it would look like a promise.
  { get: (_, name) => (name === "then" ? undefined : nothing) },
);
