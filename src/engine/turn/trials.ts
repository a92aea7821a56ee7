import { shortenError } from "../../shared/storable.js";
import { explainUnavailable } from "../../shared/unavailable.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { messageOf } from "../platform/platformErrors.js";
import { callWorkflow } from "../run/callWorkflow.js";
import { bumpRevision } from "../run/driverState.js";
import { isLegacy } from "../../shared/replayVersion.js";
import { stepAt, updateRun, type Run } from "../run/runs.js";

const MAX_HELD_ERROR_BYTES = 1024;

/**
 * A turn crashed and was rolled back. A result that it delivered may have left a rejected promise without a handler,
 * which ends a function uncatchably. Then other results must be delivered first. To find the result, the next turn
 * delivers nothing new and reports the available results. Then each gets its own turn. If that turn crashes, its
 * result is held back. Returns the error with which the run fails if no other turn can help.
 */
export async function afterCrash(
  ctx: MutationCtx,
  run: Run,
  error: string,
): Promise<string | undefined> {
  const text = withoutKind(error);
  // Timers end a function uncatchably too, and no other result changes that.
  const advice = explainUnavailable(text);
  if (advice) return `${text}\n${advice}`;
  if (isLegacy(run) || isVerdict(run, text)) return text;
  const { trials } = run;
  if (!trials) {
    await updateRun(ctx, run, { trials: { shown: 0, steps: [] } });
    return undefined;
  }
  const [stepNumber, ...steps] = trials.steps;
  if (stepNumber === undefined) return explained(error);
  const { shown } = trials;
  const row = await stepAt(ctx, run._id, stepNumber);
  const { generationNumber } = run;
  if (row)
    await ctx.db.patch("steps", row._id, {
      heldBack: {
        generationNumber,
        shown,
        error: shortenError(error, MAX_HELD_ERROR_BYTES),
      },
    });
  await bumpRevision(ctx, run);
  await updateRun(ctx, run, {
    trials: steps.length > 0 ? { shown, steps } : undefined,
  });
  return undefined;
}

/** Takes a turn in the caller's transaction. If it crashes, this throws its error, even if it delivers nothing new. */
export async function callWithTrials(ctx: MutationCtx, run: Run) {
  try {
    await callWorkflow(ctx, run);
  } catch (thrown) {
    if ((await afterCrash(ctx, run, messageOf(thrown))) !== undefined)
      throw thrown;
    await callWorkflow(ctx, run);
  }
}

/** Whether no other turn can help, because the error states why a turn can't be taken. */
function isVerdict(run: Run, text: string): boolean {
  return (
    text.startsWith(`Determinism violation in workflow ${run._id}`) ||
    text.startsWith(`Workflow ${run._id} `)
  );
}

const withoutKind = (error: string) =>
  error.replace(/^(Uncaught )?(\w+: )?/, "");

/** The platform's errors if it can't call the function at all. */
const NOT_CALLED =
  /Could not find|Couldn't find|not found|ArgumentValidationError|Validator|too (large|many)/;

const explained = (error: string) =>
  NOT_CALLED.test(error)
    ? error
    : `${error.trimEnd()}\nIf code of the handler has thrown this, a rejected promise was not handled: await it, or catch ` +
      `its rejection, before the handler awaits anything else.`;
