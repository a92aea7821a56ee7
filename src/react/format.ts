const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Formats a duration in at most two units, such as `340 ms`, `4.2 s`, `1 min 12 s`, `2 h` or `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded < 1000) return `${rounded} ms`;
  if (rounded < 9950) return `${trim((rounded / 1000).toFixed(1))} s`;
  const seconds = Math.round(rounded / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (rounded < HOUR) return pair(seconds, 60, "min", "s");
  if (rounded < DAY) return pair(Math.round(rounded / MINUTE), 60, "h", "min");
  return pair(Math.round(rounded / HOUR), 24, "d", "h");
}

function pair(smalls: number, each: number, large: string, small: string) {
  const rest = smalls % each;
  const whole = `${(smalls - rest) / each} ${large}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}

const trim = (decimal: string) => decimal.replace(/\.0$/, "");

/** Formats the time until or since a moment, such as `in 3 min` or `4 s ago`. */
export function formatDistance(time: number, now: number): string {
  const ms = time - now;
  if (Math.abs(ms) < 1000) return "now";
  return ms > 0 ? `in ${formatDuration(ms)}` : `${formatDuration(-ms)} ago`;
}

const formatter = (year?: "numeric") =>
  new Intl.DateTimeFormat("en", {
    year,
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });
const withoutYear = /* @__PURE__ */ formatter();
const withYear = /* @__PURE__ */ formatter("numeric");

/** Formats a time in the reader's time zone. Omits the current year. */
export function formatTime(ms: number, now: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return String(ms);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return (sameYear ? withoutYear : withYear).format(date);
}

/** Formats a time to the millisecond, for a tooltip. */
export function formatExactTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

export function formatCount(count: number | string): string {
  if (typeof count === "number") return count.toLocaleString("en");
  return count.replace(/\d+/, (digits) => Number(digits).toLocaleString("en"));
}

export const capitalized = (word: string) =>
  word.slice(0, 1).toUpperCase() + word.slice(1);

export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Returns the value of an `<input type="datetime-local">` in the reader's time zone. */
export function toLocalInput(ms: number | undefined): string {
  if (ms === undefined) return "";
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "";
  const shifted = new Date(ms - date.getTimezoneOffset() * MINUTE);
  return shifted.toISOString().slice(0, 16);
}

export function fromLocalInput(text: string): number | undefined {
  const ms = new Date(text).getTime();
  return text === "" || Number.isNaN(ms) ? undefined : ms;
}
