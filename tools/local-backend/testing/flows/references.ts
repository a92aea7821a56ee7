import { anyApi, componentsGeneric } from "convex/server";

/** Untyped, so that these apps need no generated code. */
export const api = anyApi as any;
export const components = componentsGeneric() as any;
