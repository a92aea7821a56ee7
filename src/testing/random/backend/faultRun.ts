import { expect } from "vitest";
import * as client from "../../../client/index.js";
import type { WorkflowId } from "../../../client/index.js";
import type { Doc, Id } from "../../../component/_generated/dataModel.js";
import {
  components,
  drain,
  newBackend,
  rows,
  type Backend,
} from "../../harness.js";
import { everyRow } from "../../tables.js";
import { same } from "../differences.js";
import { checkEnded, ResultWatch } from "../guarantees.js";
import type { Node } from "../program.js";
import type { Random } from "../random.js";
import { installPrograms } from "./app.js";
import { runUntilEnded, startProgram, switchExecution } from "./execute.js";
import type { Faults } from "./faults.js";
import { FaultyFunctions } from "./faultyFunctions.js";
import {
  checkAtRest,
  checkAttempts,
  checkEffects,
  checkOnCompleteCalls,
} from "./invariants.js";
import { checkJournal, recordedRuns, readRuns } from "./journals.js";
import { Operator } from "./operator.js";
import { loggedLines } from "./quiet.js";
import { restartTimers } from "./timers.js";

export const HAPPENINGS = [
  "callback repeated",
  "driven turn repeated",
  "switched",
  "stale callback repeated",
  "call that failed",
  "canceled",
  "restarted",
  "canceled by an operator",
  "recovered",
] as const;
export type Happening = (typeof HAPPENINGS)[number];

interface FaultRunOptions {
  /** The probability that the run is canceled, or restarted after its end. */
  cancel?: number;
  restart?: number;
  /** The probability that an operator cancels scheduled functions. */
  operator?: number;
  /** How steps are executed. By default, it changes during the run. */
  execution?: "driver" | "pool";
  onHappening?: (happening: Happening) => void;
}

/** A run under faults, with the invariants that must hold during and after it. */
export class FaultRun {
  private readonly functions: FaultyFunctions;
  private readonly t: Backend;
  private readonly results = new ResultWatch();
  private readonly attempts: Map<string, number>;
  private workflowId!: WorkflowId & Id<"workflows">;
  private restarts = 0;
  private toCancel: boolean;
  private toRestart: boolean;
  private toDisturb: number;
  private readonly operator: Operator;
  private readonly switches: boolean;
  private readonly note: (happening: Happening) => void;

  constructor(
    private readonly program: Node,
    private readonly random: Random,
    faults: Faults,
    options: FaultRunOptions = {},
  ) {
    const { cancel = 0, restart = 0, operator = 0 } = options;
    const { execution, onHappening = () => {} } = options;
    this.switches = execution === undefined;
    restartTimers(random.fork());
    this.attempts = installPrograms().attempts;
    this.functions = new FaultyFunctions(faults.decide);
    this.t = newBackend({
      wrap: this.functions.wrap,
      execution: execution ?? "driver",
    });
    this.toCancel = random.chance(cancel);
    this.toRestart = random.chance(restart);
    this.toDisturb = random.chance(operator) ? random.between(1, 3) : 0;
    this.operator = new Operator(this.t, random);
    this.note = onHappening;
  }

  async run() {
    const { t, random } = this;
    const startAsync = random.chance(0.5);
    const started = await this.call(() =>
      startProgram(t, this.program, { startAsync }),
    );
    this.workflowId = started as typeof this.workflowId;
    await this.untilEnded();
    if (this.toRestart) {
      await this.restart();
      await this.untilEnded();
    }
    await this.recover();
    await drain();
    await this.check();
    await this.checkCleanup();
  }

  /** Makes a call from outside. A call that fails must change nothing, and is repeated. */
  private readonly call = async <T>(body: () => Promise<T>) => {
    const { t, functions } = this;
    if (this.random.chance(0.1)) {
      const before = await everyRow(t);
      await expect(functions.rolledBack(body)).rejects.toThrow("Injected");
      same("what a failed call leaves", await everyRow(t), before);
      this.note("call that failed");
    }
    return await functions.withoutFaults(body);
  };

  private async untilEnded() {
    await runUntilEnded(this.t, this.random, {
      call: this.call,
      meanwhile: () => this.meanwhile(),
      rescue: () => this.recover(),
    });
  }

  private async meanwhile() {
    this.results.look(await readRuns(this.t));
    if (this.random.chance(0.3)) await this.repeatCallback();
    if (this.switches && this.random.chance(0.1)) {
      const mode = this.random.pick(["driver", "pool"] as const);
      await this.call(() => switchExecution(this.t, mode));
      this.note("switched");
    }
    if (this.toDisturb > 0 && this.random.chance(0.5)) await this.disturb();
    if (this.toCancel && this.random.chance(0.15)) await this.cancel();
  }

  /** A committed call that is delivered again must change nothing and log nothing. */
  private async repeatCallback() {
    const { t, random, functions } = this;
    if (functions.calls.length === 0) return;
    const { component, path, args } = random.pick(functions.calls);
    const { drive } = args;
    const before = await componentTables(t);
    const logged = loggedLines();
    const runner = t as unknown as {
      fun(path: object, args: unknown): Promise<unknown>;
    };
    await functions.withoutFaults(() =>
      runner.fun({ componentPath: component, udfPath: path }, args),
    );
    if (drive) this.note("driven turn repeated");
    // The call may take a turn that is due, that delivers unawaited results, or that copies the journal.
    if (
      drive &&
      (isTurnDue(before) || isCopyOld(before) || isAnyUnseen(before))
    )
      return;
    same(
      `the tables after ${path} came again`,
      await componentTables(t),
      before,
    );
    same(`what is logged as ${path} comes again`, loggedLines(), logged);
    this.note("callback repeated");
    const generation = (args["generationNumber"] ??
      args["context"]?.generationNumber) as number | undefined;
    if (generation !== undefined && generation < this.restarts)
      this.note("stale callback repeated");
  }

  private async disturb() {
    const { functions, operator } = this;
    if (!(await functions.withoutFaults(() => operator.cancelSome()))) return;
    this.toDisturb--;
    this.note("canceled by an operator");
  }

  private async recover() {
    const recovered = await this.functions.withoutFaults(() =>
      this.operator.recover(),
    );
    if (recovered > 0) this.note("recovered");
  }

  private async cancel() {
    const { t, workflowId } = this;
    this.toCancel = false;
    if (await this.hasEnded()) return;
    this.note("canceled");
    await this.call(() =>
      t.mutation((ctx) => client.cancel(ctx, components.workflow, workflowId)),
    );
  }

  private async hasEnded() {
    const runs = await rows(this.t, "workflows");
    return runs.find(({ _id }) => _id === this.workflowId)?.runResult;
  }

  private async restart() {
    const { t, random, workflowId } = this;
    const { length } = (await rows(t, "steps")).filter(
      (row) => row.workflowId === workflowId,
    );
    const options = {
      from: random.chance(0.7) ? random.between(0, length) : undefined,
      startAsync: random.chance(0.5),
    };
    this.restarts++;
    this.note("restarted");
    await this.call(() =>
      t.mutation((ctx) =>
        client.restart(ctx, components.workflow, workflowId, options),
      ),
    );
  }

  private async check() {
    const { t, restarts } = this;
    const runs = await recordedRuns(t);
    this.results.look(runs);
    for (const recorded of runs) {
      checkEnded(recorded);
      await checkJournal(recorded, { restarted: restarts > 0 });
      if (recorded.run._id === this.workflowId)
        await checkOnCompleteCalls(t, recorded.run, 1 + restarts);
    }
    await checkAtRest(t);
    await checkEffects(t, runs, restarts);
    if (restarts === 0) checkAttempts(this.attempts, runs);
  }

  private async checkCleanup() {
    const { t, workflowId } = this;
    const cleaned = await this.call(() =>
      t.mutation((ctx) => client.cleanup(ctx, components.workflow, workflowId)),
    );
    expect(cleaned).toBe(true);
    await drain();
    for (const table of ["workflows", "steps", "events"] as const)
      same(`what cleanup leaves of ${table}`, await rows(t, table), []);
    await checkAtRest(t);
  }
}

const isTurnDue = (tables: Record<string, unknown[]>) =>
  (tables["workflow.workflows"] as Doc<"workflows">[]).some(
    ({ pendingTurn }) => pendingTurn,
  );

const isAnyUnseen = (tables: Record<string, unknown[]>) =>
  (tables["workflow.steps"] as Doc<"steps">[]).some(
    ({ step, delivery }) => step.runResult && !delivery,
  );

const isCopyOld = (tables: Record<string, unknown[]>) =>
  (tables["workflow.workflows"] as Doc<"workflows">[]).some(
    ({ driver, revision = 0 }) =>
      driver?.revision !== undefined && driver.revision !== revision,
  );

async function componentTables(t: Backend) {
  const tables = Object.entries(await everyRow(t)).filter(
    ([name]) => name.startsWith("workflow.") && name !== "workflow.scheduled",
  );
  return Object.fromEntries(tables);
}
