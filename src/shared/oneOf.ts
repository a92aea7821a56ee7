import { v } from "convex/values";

/** Validates one of several texts. */
export const oneOf = <Text extends string>(...texts: readonly Text[]) =>
  v.union(...texts.map((text) => v.literal(text)));
