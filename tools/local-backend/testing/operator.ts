import { MINUTE } from "../../../src/testing/units.js";
import type { VirtualClock } from "../backend/clock.mjs";
import type { Random } from "../backend/random.mjs";
import type { Deployment } from "../backend/types.mjs";

/** When `utils:recover` is called after the last cancellation. The workpool itself takes minutes to find lost jobs. */
const RECOVERED_AFTER_MINUTES = [1, 5, 8, 15, 20, 30, 45, 60, 120, 180, 240];

const COMPONENTS = [
  ...["workflow", "workflow", "workflow"],
  ...["workflow/workpool", "workflow/workpool/batchWorker"],
];

/** More than the faults refuse or make conflict in a row. */
const TRIES = 10;

/** How long the operator waits for a running function to cancel, and how often it checks. */
const LONGEST_WAIT_MS = 5000;
const LOOK_MS = 10;

/**
 * Acts as an operator who cancels one or all scheduled functions of a component in the dashboard at random times,
 * and recovers the runs afterwards.
 */
export function cancelsAndRecovers(
  deployment: Deployment,
  clock: VirtualClock,
  random: Random,
) {
  let last = 0;
  for (let i = random.between([1, 4]); i > 0; i--) {
    const component = COMPONENTS[random.between([0, COMPONENTS.length - 1])]!;
    const at = random.between([0, random.chance(0.7) ? 3000 : 90_000]);
    last = Math.max(last, at + LONGEST_WAIT_MS);
    const share = random.chance(0.5) ? 1 : random.next();
    const waits = random.chance(0.6);
    const choose = random.fork();
    const cancel = async (waitedMs: number) => {
      const jobs = await deployment.rows("_scheduled_functions", component);
      if (
        waits &&
        waitedMs < LONGEST_WAIT_MS &&
        !jobs.some(({ state }) => state.kind === "inProgress")
      )
        return void clock.setTimer(
          LOOK_MS,
          () => void cancel(waitedMs + LOOK_MS),
        );
      await deployment.cancelScheduled(component, () => choose.chance(share));
    };
    clock.setTimer(at, () => void cancel(0));
  }
  const call = async (componentPath: string, path: string) => {
    const caller = { admin: true };
    const target = { componentPath, path, args: {}, caller };
    // A command that fails says so, and the operator repeats it.
    for (let tries = 0; tries < TRIES; tries++)
      if ((await deployment.call(target)).status === "success") return;
  };
  for (const minutes of RECOVERED_AFTER_MINUTES)
    clock.setTimer(last + minutes * MINUTE, () => {
      void call("workflow", "utils:recover").then(() =>
        // A canceled job can leave the workpool's own loop born canceled. Only this call starts it again.
        call("workflow/workpool", "kick:forceKick"),
      );
    });
}
