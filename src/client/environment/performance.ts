interface Entry {
  name: string;
  entryType: "mark" | "measure";
  startTime: number;
  duration: number;
  detail: unknown;
}

interface MarkOptions {
  startTime?: number;
  detail?: unknown;
}

interface MeasureOptions {
  start?: string | number;
  end?: string | number;
  duration?: number;
  detail?: unknown;
}

/** A `performance` whose clock is `now()`, in milliseconds since `timeOrigin`. */
export function createPerformance(now: () => number, timeOrigin: number) {
  let entries: Entry[] = [];
  const sinceOrigin = () => now() - timeOrigin;
  const add = (entry: Entry) => {
    entries.push(entry);
    return entry;
  };
  const find = (accepts: (entry: Entry) => boolean) => entries.filter(accepts);
  const clear = (entryType: Entry["entryType"]) => (name?: string) => {
    entries = find(
      (entry) =>
        entry.entryType !== entryType ||
        (name !== undefined && entry.name !== name),
    );
  };
  const timeOf = (at: string | number | undefined, missing: number) => {
    if (typeof at !== "string") return at ?? missing;
    const isIt = ({ entryType, name }: Entry) =>
      entryType === "mark" && name === at;
    const mark = find(isIt).at(-1);
    if (!mark) throw new SyntaxError(`The mark "${at}" has not been set`);
    return mark.startTime;
  };
  return {
    timeOrigin,
    now: sinceOrigin,
    mark: (name: string, { startTime, detail = null }: MarkOptions = {}) =>
      add({
        name,
        entryType: "mark",
        startTime: startTime ?? sinceOrigin(),
        duration: 0,
        detail,
      }),
    measure(
      name: string,
      startOrOptions: string | MeasureOptions = {},
      endMark?: string,
    ) {
      const options =
        typeof startOrOptions === "string"
          ? { start: startOrOptions, end: endMark }
          : startOrOptions;
      const { start, end, duration, detail = null } = options;
      const startTime =
        start === undefined && end !== undefined && duration !== undefined
          ? timeOf(end, 0) - duration
          : timeOf(start, 0);
      return add({
        name,
        entryType: "measure",
        startTime,
        duration: duration ?? timeOf(end, sinceOrigin()) - startTime,
        detail,
      });
    },
    clearMarks: clear("mark"),
    clearMeasures: clear("measure"),
    getEntries: () => [...entries],
    getEntriesByType: (type: string) =>
      find(({ entryType }) => entryType === type),
    getEntriesByName: (name: string, type?: string) =>
      find(
        (entry) =>
          entry.name === name &&
          (type === undefined || entry.entryType === type),
      ),
    toJSON: () => ({ timeOrigin }),
  };
}
