import { v } from "convex/values";

/** How long a run is kept after its end, in milliseconds, by how it ended. Absent: until somebody cleans it up. */
export const vRetention = v.object({
  completed: v.optional(v.number()),
  failed: v.optional(v.number()),
  canceled: v.optional(v.number()),
});
