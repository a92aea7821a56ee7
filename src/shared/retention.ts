import { v } from "convex/values";
import { lazy } from "./lazy.js";

/** How long a run is kept after it ended, in milliseconds, for each kind of end. If absent, until it is cleaned up. */
export const vRetention = /* @__PURE__ */ lazy(() =>
  v.object({
    completed: v.optional(v.number()),
    failed: v.optional(v.number()),
    canceled: v.optional(v.number()),
  }),
);
