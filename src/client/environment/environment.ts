import { combinatorsAreInPlace, installCombinators } from "./combinators.js";
import { createConsole } from "./console.js";
import { createDate } from "./date.js";
import { HostCalls, trackHostCalls } from "./hostCalls.js";
import { addLayer, type Combinators, type Layer } from "./layers.js";
import { MISSING_GLOBALS } from "./missingGlobals.js";
import { createPerformance } from "./performance.js";
import { createMath, createRandom } from "./random.js";
import { collectRejections, rejectionsReported } from "./rejections.js";
import {
  areInPlace,
  changeAll,
  replaceProperties,
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
 * The globals of one execution of a handler. Each new execution needs a new
 * environment, because it replays from the beginning.
 */
export interface Environment extends Layer {
  /**
   * Patches the globals, so that the handler can run. If they are already patched, values that the handler assigned to
   * them are lost, as after `leave`.
   */
  enter(): void;
  /**
   * Restores every global exactly. Values that the handler assigned are lost.
   * Idempotent. The next `enter()` patches again and continues random numbers,
   * console counters, timers and groups.
   */
  leave(): void;
  /**
   * Throws if the handler left a rejected promise unhandled, because the
   * platform ends the function then. Call it while the handler is blocked, before
   * `leave`.
   */
  refuseRejections(): Promise<void>;
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
  const rejections: unknown[] = [];
  let restore: (() => void) | undefined;
  const leave = () => {
    const pending = restore;
    restore = undefined;
    pending?.();
  };
  const isIntact = () =>
    areInPlace(globalThis, replacements!) && combinatorsAreInPlace();

  const environment: Environment = {
    // If globals are kept apart for each call, so is this result.
    isCurrent: () => globalThis.Math === math,
    combinators: source.combinators,
    hostCalls: new HostCalls(),
    rejections,
    enter() {
      if (restore !== undefined) {
        if (isIntact()) return;
        leave();
      }
      handlerConsole.printTo(globalThis.console);
      const values = (replacements ??= createReplacements());
      restore = changeAll([
        () => replaceProperties(globalThis, values),
        () => addLayer(environment, patchAll),
      ]);
    },
    leave,
    async refuseRejections() {
      await rejectionsReported();
      if (rejections.length > 0) throw new UnhandledRejection(rejections[0]);
    },
  };
  return environment;
}

/** The patches that all running handlers share. */
const patchAll = () =>
  changeAll([trackHostCalls, collectRejections, installCombinators]);

/** It contains the text of the rejection, like the platform's error. */
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
