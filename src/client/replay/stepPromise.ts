import type { Outcome } from "../../shared/outcome.js";
import { copyOf } from "./copy.js";
import type { StepRequest } from "./journal.js";
import { stepError } from "./stepErrors.js";

// Taken unbound, so that no library's patch interferes.
// eslint-disable-next-line @typescript-eslint/unbound-method
const { then } = Promise.prototype;

/** Subscribes without being tracked. */
function subscribeUnseen(
  promise: StepPromise,
  onRejected?: () => void,
): Promise<unknown> {
  isSeen = false;
  try {
    return then.call(promise, undefined, onRejected);
  } finally {
    isSeen = true;
  }
}

let isSeen = true;

const ignore = () => undefined;

type Settlers = Parameters<ConstructorParameters<typeof Promise<unknown>>[0]>;

/** The settlers of the promise that was constructed last. */
let settlers: Settlers;
const keepSettlers = (...given: Settlers) => void (settlers = given);

/** A Promise combinator that a handler applied to steps. */
export interface Combinator {
  readonly kind: "all" | "allSettled" | "race" | "any";
  /** Unique within the run, and the same on every replay. */
  readonly id: number;
  settled: boolean;
}

/**
 * The promise that a step call returns. It tracks its subscribers. Any subscriber reads a promise's `constructor`, which
 * is an accessor here. Combinators register themselves.
 */
export class StepPromise extends Promise<unknown> {
  /** Whether a subscriber may use any result. */
  hasSubscriber = false;
  readonly combinators: Combinator[] = [];
  private request!: StepRequest;
  private settlers!: Settlers;

  // Promises derived from a step's are ordinary ones.
  static override get [Symbol.species]() {
    return Promise;
  }

  static issue(request: StepRequest): StepPromise {
    const promise = new StepPromise(keepSettlers);
    promise.settlers = settlers;
    promise.request = request;
    return promise;
  }

  /** For errors about a promise that wasn't awaited. */
  get stepName(): string {
    return this.request.name;
  }

  settle(outcome: Outcome) {
    const [resolve, reject] = this.settlers;
    settleWith(this.request, outcome, resolve, (error) => {
      // A step that nothing awaits may fail without failing the turn.
      void subscribeUnseen(this, ignore);
      reject(error);
    });
  }

  /** Returns a plain promise with the same result, whose only subscriber is `combinator`. */
  trackIn(combinator: Combinator): Promise<unknown> {
    this.combinators.push(combinator);
    return subscribeUnseen(this);
  }
}

void Object.defineProperty(StepPromise.prototype, "constructor", {
  get(this: StepPromise) {
    if (isSeen) this.hasSubscriber = true;
    return StepPromise;
  },
});

/** Gives the handler a copy of a step's result. */
export function settleWith(
  request: StepRequest,
  recorded: Outcome,
  resolve: (value: unknown) => void,
  reject: (error: unknown) => void,
) {
  const outcome = copyOf(recorded);
  if (outcome.result.kind !== "success")
    return reject(stepError(request, outcome));
  const value: unknown = outcome.result.returnValue ?? null;
  try {
    resolve(request.parse ? request.parse(value) : value);
  } catch (error) {
    reject(error);
  }
}
