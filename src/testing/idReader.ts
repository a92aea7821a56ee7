/** Reads ids only: "right" of the table runs, and "file" of the system table. */
export const db = {
  normalizeId: (table: string, id: string) =>
    table === "runs" && id === "right" ? id : null,
  system: {
    normalizeId: (table: string, id: string) =>
      table === "_storage" && id === "file" ? id : null,
  },
} as never;
