import type { Infer } from "convex/values";
import { lazy } from "./lazy.js";
import { oneOf } from "./oneOf.js";

const LEVELS = ["DEBUG", "TRACE", "INFO", "REPORT", "WARN", "ERROR"] as const;

export const vLogLevel = /* @__PURE__ */ lazy(() => oneOf(...LEVELS));
export type LogLevel = Infer<ReturnType<typeof vLogLevel>>;

export const DEFAULT_LOG_LEVEL: LogLevel = "WARN";

export type LogEvent =
  | "started"
  | "stepCompleted"
  | "eventConsumed"
  | "completed"
  /** A run is restarted. */
  | "retry"
  | "attemptFailed";

export interface Logger {
  level: LogLevel;
  debug(...args: unknown[]): void;
  warn(...args: unknown[]): void;
  error(...args: unknown[]): void;
  /** Logs one JSON line at INFO. */
  event(event: LogEvent, fields: Record<string, unknown>): void;
}

export function createLogger(level: LogLevel = DEFAULT_LOG_LEVEL): Logger {
  const prints = (at: LogLevel) => LEVELS.indexOf(at) >= LEVELS.indexOf(level);
  return {
    level,
    debug: (...args) => prints("DEBUG") && console.debug(...args),
    warn: (...args) => prints("WARN") && console.warn(...args),
    error: (...args) => prints("ERROR") && console.error(...args),
    event: (event, fields) =>
      prints("INFO") &&
      console.info(JSON.stringify({ component: "workflow", event, ...fields })),
  };
}
