import { withProperties } from "./withProperties.js";

/** The part of `Temporal` that this uses. Not every runtime has it. */
interface TemporalLike {
  Instant: { fromEpochMilliseconds(ms: number): InstantLike };
  Now: { timeZoneId(): string };
}

interface InstantLike {
  toZonedDateTimeISO(timeZone: unknown): ZonedDateTimeLike;
}

interface ZonedDateTimeLike {
  toPlainDateTime(): unknown;
  toPlainDate(): unknown;
  toPlainTime(): unknown;
}

/** Creates a `Temporal` whose current time is `now()`. Returns undefined if the runtime has none. */
export function createTemporal(now: () => number): unknown {
  const { Temporal } = globalThis as { Temporal?: TemporalLike };
  if (!Temporal) return undefined;
  const instant = () => Temporal.Instant.fromEpochMilliseconds(now());
  const zoned = (timeZone: unknown = Temporal.Now.timeZoneId()) =>
    instant().toZonedDateTimeISO(timeZone);
  const replaced = {
    instant,
    zonedDateTimeISO: zoned,
    plainDateTimeISO: (zone?: unknown) => zoned(zone).toPlainDateTime(),
    plainDateISO: (zone?: unknown) => zoned(zone).toPlainDate(),
    plainTimeISO: (zone?: unknown) => zoned(zone).toPlainTime(),
  };
  return withProperties(Temporal, {
    Now: withProperties(Temporal.Now, replaced),
  });
}
