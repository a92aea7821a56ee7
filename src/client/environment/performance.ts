interface Entry {
  name: string;
  entryType: "mark" | "measure";
  startTime: number;
  duration: number;
  detail: unknown;
}

/** Creates a `performance` whose clock is `now()`, in milliseconds since `timeOrigin`. */
export function createPerformance(now: () => number, timeOrigin: number) {
  let entries: Entry[] = [];
  const sinceOrigin = () => now() - timeOrigin;
  const add = (entry: Entry) => {
    entries.push(entry);
    return entry;
  };
  /** Finds entries by type, by name or by both. */
  const find = (type?: string, name?: string) =>
    entries.filter(
      (entry) =>
        (type ?? entry.entryType) === entry.entryType &&
        (name ?? entry.name) === entry.name,
    );
  const clear = (type: Entry["entryType"], name?: string) => {
    const cleared = find(type, name);
    entries = entries.filter((entry) => !cleared.includes(entry));
  };
  const timeOf = (at: string | number | undefined, missing: number) => {
    if (typeof at !== "string") return at ?? missing;
    const mark = find("mark", at).at(-1);
    if (!mark) throw new SyntaxError(`The mark "${at}" has not been set`);
    return mark.startTime;
  };
  return {
    timeOrigin,
    now: sinceOrigin,
    mark(name: string, options: PerformanceMarkOptions = {}) {
      const { startTime = sinceOrigin(), detail = null } = options;
      return add({ name, entryType: "mark", startTime, duration: 0, detail });
    },
    measure(
      name: string,
      options: string | PerformanceMeasureOptions = {},
      endMark?: string,
    ) {
      if (typeof options === "string")
        options = { start: options, end: endMark };
      const { start, end, detail = null } = options;
      const startTime =
        start === undefined &&
        end !== undefined &&
        options.duration !== undefined
          ? timeOf(end, 0) - options.duration
          : timeOf(start, 0);
      const { duration = timeOf(end, sinceOrigin()) - startTime } = options;
      return add({ name, entryType: "measure", startTime, duration, detail });
    },
    clearMarks(name?: string) {
      clear("mark", name);
    },
    clearMeasures(name?: string) {
      clear("measure", name);
    },
    getEntries: () => find(),
    getEntriesByType: (type: string) => find(type),
    getEntriesByName: (name: string, type?: string) => find(type, name),
    toJSON: () => ({ timeOrigin }),
  };
}
