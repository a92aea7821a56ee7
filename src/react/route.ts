/** Converts the console's view to and from the hash of the page's URL, so that you can share a view. */

export const STATUSES = [
  "inProgress",
  "completed",
  "failed",
  "canceled",
] as const;
export type Status = (typeof STATUSES)[number];

/** Time ranges that end now. */
export const RANGES = {
  "1h": { label: "Last hour", ms: 3_600_000 },
  "24h": { label: "Last 24 hours", ms: 86_400_000 },
  "7d": { label: "Last 7 days", ms: 604_800_000 },
  "30d": { label: "Last 30 days", ms: 2_592_000_000 },
} as const;
export type Range = keyof typeof RANGES;

export type Filter = {
  status?: Status;
  name?: string;
  idPrefix?: string;
  range?: Range;
  /** Milliseconds since 1970. Ignored if there is a `range`. */
  since?: number;
  until?: number;
};

export const VIEWS = ["timeline", "list", "events"] as const;
export type View = (typeof VIEWS)[number];

export type Route =
  | { page: "runs"; filter: Filter }
  | { page: "run"; workflowId: string; view: View; step?: number };

/** Reads a hash. It ignores invalid parts, because people edit URLs. */
export function parseHash(hash: string): Route {
  const [, path = "", query = ""] = /^#?\/?([^?]*)\??([^]*)$/.exec(hash)!;
  const params = new URLSearchParams(query);
  const [first, id] = path.split("/");
  if (first === "runs" && id)
    return {
      page: "run",
      workflowId: decode(id),
      view: oneOf(VIEWS, params.get("view")) ?? "timeline",
      step: integer(params.get("step")),
    };
  const range = oneOf(Object.keys(RANGES) as Range[], params.get("range"));
  return {
    page: "runs",
    filter: {
      status: oneOf(STATUSES, params.get("status")),
      name: params.get("name") || undefined,
      idPrefix: params.get("id") || undefined,
      range,
      since: range ? undefined : time(params.get("since")),
      until: range ? undefined : time(params.get("until")),
    },
  };
}

export function formatHash(route: Route): string {
  if (route.page === "run") {
    const { workflowId, view, step } = route;
    const query = queryOf({
      view: view === "timeline" ? undefined : view,
      step: step?.toString(),
    });
    return `#/runs/${encodeURIComponent(workflowId)}${query}`;
  }
  const { status, name, idPrefix, range, since, until } = route.filter;
  return `#/${queryOf({
    status,
    name,
    id: idPrefix,
    range,
    since: range ? undefined : iso(since),
    until: range ? undefined : iso(until),
  })}`;
}

function queryOf(fields: Record<string, string | undefined>) {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(fields))
    if (value) params.set(key, value);
  const query = params.toString();
  return query && `?${query}`;
}

function decode(text: string) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function oneOf<T extends string>(known: readonly T[], text: string | null) {
  return known.find((each) => each === text);
}

function integer(text: string | null) {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function time(text: string | null) {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}

const iso = (ms: number | undefined) =>
  ms === undefined ? undefined : new Date(ms).toISOString();
