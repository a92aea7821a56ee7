import { v } from "convex/values";
import { internalAction, internalMutation } from "./_generated/server.js";
import * as scheduled from "../engine/turn/scheduled.js";
import * as watchdog from "../engine/lifecycle/watchdog.js";

/** Takes a turn. Of one that dies nothing remains: another is due, or the run fails. */
export const take = internalMutation({
  args: scheduled.takeArgs,
  returns: v.null(),
  handler: scheduled.take,
});

/** Does what is due from an action: see `turns:look`. */
export const takeNow = internalAction({
  args: scheduled.takeNowArgs,
  returns: v.null(),
  handler: scheduled.takeNow,
});

/**
 * Looks after work that was scheduled. Late is not dead: it costs nothing. Work that failed for good is given up as
 * its kind says. Any other that won't come, because an operator canceled it, is scheduled again.
 *
 * A scheduled mutation that dies of errors of the platform's own stays pending for ever, with up to two hours
 * between its tries, and can't be told from one that waits. So a very late one is done from an action too, which
 * waits for no backoff: whichever comes first does it, the other then finds nothing to do. It never fails a run.
 */
export const look = internalMutation({
  args: watchdog.lookArgs,
  returns: v.null(),
  handler: watchdog.look,
});

/** Does a task: see `scheduleTask`. */
export const perform = internalMutation({
  args: watchdog.performArgs,
  returns: v.null(),
  handler: watchdog.perform,
});
