/** Returns the message to show for a function's error: a ConvexError's own message, or the client's. */
export function messageOf(error: unknown): string {
  const data = (error as { data?: unknown } | null)?.data;
  if (typeof data === "string") return data;
  if (typeof data === "object" && data !== null && "message" in data)
    return String(data.message);
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replace(/^\[CONVEX [^\]]*\]\s*/, "")
    .replace(/^\[Request ID: [^\]]*\]\s*/, "")
    .replace(/^Server Error\n?/, "")
    .replace(/^(Uncaught )+/, "")
    .replace(/\n\s+at [^]*$/, "")
    .replace(/\n+\s*Called by client\s*$/, "")
    .trim();
}
