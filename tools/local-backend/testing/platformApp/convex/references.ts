import { anyApi, componentsGeneric } from "convex/server";

/** Untyped, so that this app needs no generated code. */
export const api = anyApi as any;
export const child = componentsGeneric().child as any;
