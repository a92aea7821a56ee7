import { anyApi } from "convex/server";

/** Untyped, so that this app needs no generated code. */
export const api: typeof anyApi = anyApi;
