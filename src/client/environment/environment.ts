import { installCombinators, type Combinators } from "./combinators.js";
import { createConsole } from "./console.js";
import { createDate } from "./date.js";
import { MISSING_GLOBALS } from "./missingGlobals.js";
import { createMath, createRandom } from "./random.js";
import { replaceProperties } from "./replaceProperties.js";

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
  /** Patches the globals. The handler may run from here on. */
  enter(): void;
  /**
   * Restores every global exactly; what the handler assigned to them is lost.
   * Idempotent. The next `enter()` patches again, continuing random numbers,
   * console counters, timers and groups.
   */
  leave(): void;
}

export function createEnvironment(source: EnvironmentSource): Environment {
  const handlerConsole = createConsole(source);
  const math = createMath(createRandom(source.runId));
  const replacements: (readonly [name: string, value: unknown])[] = [
    ["Date", createDate(() => source.now())],
    ["Math", math],
    ["console", handlerConsole.console],
    ...MISSING_GLOBALS.map((name) => [name, undefined] as const),
  ];
  const layer = source.combinators && {
    combinators: source.combinators,
    // Where globals are kept apart for each call, so is this answer.
    isCurrent: () => globalThis.Math === math,
  };

  let restore: (() => void) | undefined;

  return {
    enter() {
      if (restore !== undefined) return;
      handlerConsole.printTo(globalThis.console);
      const restoreGlobals = replaceProperties(globalThis, replacements);
      try {
        const removeLayer = layer && installCombinators(layer);
        restore = () => {
          try {
            removeLayer?.();
          } finally {
            restoreGlobals();
          }
        };
      } catch (error) {
        restoreGlobals();
        throw error;
      }
    },
    leave() {
      const pending = restore;
      restore = undefined;
      pending?.();
    },
  };
}
