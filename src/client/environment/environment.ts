import {
  combinatorsAreInPlace,
  installCombinators,
  type Combinators,
} from "./combinators.js";
import { createConsole } from "./console.js";
import { createDate } from "./date.js";
import { HostCalls, trackHostCalls } from "./hostCalls.js";
import { MISSING_GLOBALS } from "./missingGlobals.js";
import { createPerformance } from "./performance.js";
import { createMath, createRandom } from "./random.js";
import { collectRejections, rejectionsReported } from "./rejections.js";
import {
  areInPlace,
  replaceProperties,
  restoreAll,
} from "./replaceProperties.js";
import { createTemporal } from "./temporal.js";

export { explainMissingGlobal } from "./missingGlobals.js";

export interface EnvironmentSource {
  /** Milliseconds the handler should see now. */
  now(): number;
  /** Whether console output should be printed (false while replaying). */
  isLive(): boolean;
  /** The run's id: seeds `Math.random`. */
  runId: string;
  /**
   * Replacements for static `Promise` combinators while the handler runs. They
   * see only calls on `Promise` itself, not on a subclass. One that needs the
   * original must have kept it from before `enter()`.
   */
  combinators?: Combinators;
}

/**
 * The globals of one execution of a handler. A new execution, which replays
 * from the beginning, needs a new one.
 */
export interface Environment {
  /**
   * Patches the globals. The handler may run from here on. Where they are patched already, what the handler has
   * assigned to them is lost, as if it had been left.
   */
  enter(): void;
  /**
   * Restores every global exactly; what the handler assigned to them is lost.
   * Idempotent. The next `enter()` patches again, continuing random numbers,
   * console counters, timers and groups.
   */
  leave(): void;
  /**
   * Throws what the handler left rejected with nothing to handle it, as the
   * platform ends the function. To be called while it is blocked, before `leave`.
   */
  refuseRejections(): Promise<void>;
  /** Those that the handler made. */
  readonly hostCalls: HostCalls;
}

export function createEnvironment(source: EnvironmentSource): Environment {
  const handlerConsole = createConsole(source);
  const math = createMath(createRandom(source.runId));
  const now = () => source.now();
  let replacements: (readonly [name: string, value: unknown])[] | undefined;
  const createReplacements = () => {
    const temporal = createTemporal(now);
    return [
      ["Date", createDate(now)] as const,
      ["Math", math] as const,
      ["console", handlerConsole.console] as const,
      ["performance", createPerformance(now, now())] as const,
      ...(temporal ? [["Temporal", temporal] as const] : []),
      ...MISSING_GLOBALS.map((name) => [name, undefined] as const),
    ];
  };
  // Where globals are kept apart for each call, so is this answer.
  const isCurrent = () => globalThis.Math === math;
  const { combinators } = source;
  const hostCalls = new HostCalls();
  const reasons: unknown[] = [];

  let restore: (() => void) | undefined;
  const leave = () => {
    const pending = restore;
    restore = undefined;
    pending?.();
  };
  const isIntact = () =>
    areInPlace(globalThis, replacements!) &&
    (!combinators || combinatorsAreInPlace());

  return {
    enter() {
      if (restore !== undefined) {
        if (isIntact()) return;
        leave();
      }
      handlerConsole.printTo(globalThis.console);
      replacements ??= createReplacements();
      const restorers = [replaceProperties(globalThis, replacements)];
      const undo = () => restoreAll(restorers.reverse());
      try {
        restorers.push(trackHostCalls({ calls: hostCalls, isCurrent }));
        restorers.push(collectRejections({ reasons, isCurrent }));
        if (combinators)
          restorers.push(installCombinators({ combinators, isCurrent }));
      } catch (error) {
        undo();
        throw error;
      }
      restore = undo;
    },
    leave,
    async refuseRejections() {
      await rejectionsReported();
      if (reasons.length > 0) throw new UnhandledRejection(reasons[0]);
    },
    hostCalls,
  };
}

/** As the platform's error, it bears the text of the rejection. */
export class UnhandledRejection extends Error {
  constructor(reason: unknown) {
    super(describe(reason));
  }
}

function describe(reason: unknown): string {
  try {
    return String(reason);
  } catch {
    return "an object without text";
  }
}
