// @ts-check
/** Admits or refuses top-level functions. */
import { FunctionError } from "./errors.mjs";
import { Permits } from "./permits.mjs";

/** @import { Faults } from "./faults.mjs" */
/** @import { Clock, FunctionKind } from "./types.mjs" */

/** The longest time that a call waits before it is refused. */
const LONGEST_WAIT_MS = { query: 5000, mutation: 5000, action: 10_000 };

/** The maximum number of concurrent queries, and of concurrent mutations. */
const TRANSACTION_PERMITS = 16;

const TOO_MANY =
  "Too many concurrent requests in a short period of time. Spread your requests out over time or throttle them to avoid errors.";

/** The platform's errors when it has no capacity for a call, by fault name. */
export const REFUSALS = {
  "permit refused": TOO_MANY,
  "no worker": "There are no available workers to process the request",
  "no permit on funrun": "Couldn't acquire a permit on this funrun",
  "isolate not clean": "Selected isolate was not clean",
};

export class Admission {
  #faults;
  #clock;
  #limits;
  #permits;

  /**
   * @param {Faults} faults
   * @param {Clock} clock
   */
  constructor(faults, clock) {
    this.#faults = faults;
    this.#clock = clock;
    this.#limits = {
      query: TRANSACTION_PERMITS,
      mutation: TRANSACTION_PERMITS,
      action: faults.actionPermits,
    };
    this.#permits = {
      query: new Permits(this.#limits.query, clock),
      mutation: new Permits(this.#limits.mutation, clock),
      action: new Permits(this.#limits.action, clock),
    };
  }

  /**
   * @template T
   * @param {FunctionKind} kind
   * @param {boolean} mayBeRefused or else it waits for as long as it takes
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async run(kind, mayBeRefused, work) {
    if (mayBeRefused) await this.#mayRefuse(kind);
    const permits = this.#permits[kind];
    const wait = mayBeRefused ? LONGEST_WAIT_MS[kind] : Infinity;
    if (!(await permits.acquire(wait))) {
      this.#faults.hit("permit refused");
      throw new FunctionError(
        `Too many concurrent requests. Your backend is limited to ${this.#limits[kind]} concurrent ${plural(kind)}. To get more resources, upgrade to Convex Pro. If you are already on Convex Pro, please contact support.`,
      );
    }
    try {
      return await work();
    } finally {
      permits.release();
    }
  }

  /** @param {FunctionKind} kind */
  async #mayRefuse(kind) {
    const refusal = this.#faults.refusal();
    if (refusal === undefined) return;
    if (refusal === "permit refused")
      await new Promise((resolve) => {
        this.#clock.setTimer(LONGEST_WAIT_MS[kind], () => resolve(undefined));
      });
    throw new FunctionError(REFUSALS[refusal]);
  }
}

/** @param {FunctionKind} kind */
function plural(kind) {
  return kind === "query" ? "queries" : `${kind}s`;
}
