import { internalQueryGeneric } from "convex/server";

/** Has a folder in its name. Takes no arguments and returns nothing. */
export const nothing = internalQueryGeneric({
  args: {},
  handler: () => undefined,
});
