import * as client from "../../../client/index.js";
import { components, inPart, type Backend } from "../../harness.js";
import type { Random } from "../random.js";

type Runner = { fun(path: object, args: object): Promise<unknown> };

/** Excludes the workpool's own jobs. If an operator cancels a job's report, the workpool waits for it forever. */
const COMPONENTS = ["workflow", "workflow", "workflow/workpool/batchWorker"];

/** An operator who cancels all or some scheduled functions of a component in the dashboard, and recovers the runs. */
export class Operator {
  private owesRecovery = false;

  constructor(
    private readonly t: Backend,
    private readonly random: Random,
  ) {}

  /** Returns whether anything was pending. */
  async cancelSome(): Promise<boolean> {
    const { random } = this;
    const component = random.pick(COMPONENTS);
    const share = random.chance(0.5) ? 1 : random.next();
    const canceled = await inPart(this.t, component, async (ctx) => {
      const jobs = await ctx.db.system.query("_scheduled_functions").collect();
      const chosen = jobs.filter(
        ({ state }) => state.kind === "pending" && random.chance(share),
      );
      for (const { _id } of chosen) await ctx.scheduler.cancel(_id);
      return chosen.length;
    });
    if (canceled === 0) return false;
    this.owesRecovery = true;
    return true;
  }

  /** Returns how many runs it recovered. Does nothing if nothing was canceled since. */
  async recover(): Promise<number> {
    if (!this.owesRecovery) return 0;
    this.owesRecovery = false;
    const recovered = await this.t.action((ctx) =>
      client.recover(ctx, components.workflow),
    );
    const runner = this.t as unknown as Runner;
    const pool = { componentPath: "workflow/workpool" };
    await runner.fun({ ...pool, udfPath: "kick:forceKick" }, {});
    return recovered;
  }
}
