import type { Random } from "../random.js";
import type { Boundary } from "./boundaries.js";

/**
 * The faults that can happen when a transaction or an action ends:
 *
 * - conflict: it doesn't commit. The platform retries a scheduled one. An action gets an error.
 * - killed: it doesn't commit, for example because of a time limit, and isn't retried.
 * - threw: it throws at its end, inside a transaction that continues.
 * - reported: it commits, but the calling action gets an error.
 * - failed: it doesn't commit, and the calling action gets an error other than a conflict.
 * - refused: the platform has no capacity, so it never begins.
 * - crashed early, crashed late: an action's process crashes before or after its work.
 * - crashed before, crashed after: a driver crashes before or after one of its turns.
 * - stalled: a driver stalls before one of its turns, for longer than the engine waits.
 */
export type Fault =
  | "conflict"
  | "failed"
  | "refused"
  | "killed"
  | "threw"
  | "reported"
  | "reported conflict"
  | "crashed early"
  | "crashed late"
  | "crashed before"
  | "crashed after"
  | "stalled";

/** Decides which of the possible faults happens, if any. */
export type Decide = (
  boundary: Boundary,
  ...faults: Fault[]
) => Fault | undefined;

/** Every combination that a run without a driver can meet. */
export const POOL_PLACES = [
  "turn conflict",
  "turn killed",
  "turn threw",
  "step conflict",
  "step killed",
  "step threw",
  "action refused",
  "action crashed early",
  "action crashed late",
  "completion conflict",
  "completion reported",
  "callback conflict",
  "callback threw",
  "timer conflict",
  "ending conflict",
  "ending killed",
  "onComplete threw",
  "housekeeping conflict",
  "pool conflict",
] as const;

/** Every combination that a run with a driver can meet. */
export const PLACES = [
  ...POOL_PLACES,
  "driven turn conflict",
  "driven turn failed",
  "driven turn refused",
  "driver crashed before",
  "driver crashed after",
  "driver stalled",
  "driver reported",
  "driver reported conflict",
] as const;
export type Place = (typeof PLACES)[number];

const placeOf = (boundary: Boundary, fault: Fault): Place => {
  const place = `${boundary} ${fault}`;
  if (!(PLACES as readonly string[]).includes(place))
    throw new Error(`A place for a fault that is not listed: ${place}`);
  return place as Place;
};

export class Faults {
  /** The places at which faults have happened. */
  readonly happened: Place[] = [];
  /** How often a fault could have happened. */
  opportunities = 0;

  private constructor(
    private readonly happens: (place: Place, opportunity: number) => boolean,
  ) {}

  static readonly none = () => new Faults(() => false);

  /** Injects only the nth possible fault. */
  static readonly nth = (n: number) =>
    new Faults((_place, opportunity) => opportunity === n);

  /** Injects up to `most` faults. Places with few opportunities have a higher probability. */
  static random(random: Random, most: number): Faults {
    const faults: Faults = new Faults(
      (place) =>
        faults.happened.length < most && random.chance(LIKELY[place] ?? 0.03),
    );
    return faults;
  }

  readonly decide: Decide = (boundary, ...faults) =>
    faults.find((fault) => {
      const place = placeOf(boundary, fault);
      const happens = this.happens(place, this.opportunities++);
      if (happens) this.happened.push(place);
      return happens;
    });
}

const LIKELY: Partial<Record<Place, number>> = {
  "driven turn conflict": 0.1,
  "driven turn refused": 0.12,
  "driver stalled": 0.1,
  "driver crashed before": 0.06,
  "driver crashed after": 0.06,
  "action refused": 0.06,
  "turn conflict": 0.025,
  "step conflict": 0.12,
  "step killed": 0.06,
  "step threw": 0.06,
  "action crashed early": 0.08,
  "action crashed late": 0.08,
  "completion conflict": 0.02,
  "completion reported": 0.06,
  "callback conflict": 0.4,
  "callback threw": 0.06,
  "timer conflict": 0.2,
  "turn killed": 0.05,
  "turn threw": 0.05,
  "ending conflict": 0.3,
  "ending killed": 0.9,
  "onComplete threw": 0.1,
  "housekeeping conflict": 0.35,
  "pool conflict": 0.005,
};
