import type { Outcome } from "../../shared/outcome.js";
import { isStoredAs, sizeOf } from "../../shared/storable.js";
import { wakeConditionOf } from "./combinators.js";
import {
  differentRequest,
  unrequested,
  type DeterminismError,
} from "./divergence.js";
import {
  isPatch,
  rememberCaller,
  type Delivery,
  type JournalEntry,
  type StepRequest,
  type WakeCondition,
} from "./journal.js";
import { StepPromise } from "./stepPromise.js";
import {
  startHandler,
  type NewStep,
  type HandlerReplay,
  type RunEnd,
  type Settled,
  type Trials,
  type TurnEnd,
  type TurnPorts,
  type TurnRecord,
} from "./turn.js";
import { changedWaits, wakeConditions } from "./waits.js";

/** A step that the handler asked for in this execution. */
interface Issued {
  stepNumber: number;
  request: StepRequest;
  promise: StepPromise;
  /** The bytes of the arguments, and of the outcome if an inline step ran. */
  bytes: number;
  /** Absent until the step is recorded. */
  entry?: JournalEntry;
  /** For an inline step that this turn ran. */
  completed?: NewStep["completed"];
}

/**
 * One turn of a run. It executes the handler from its beginning, over the journal.
 *
 * A step is issued by the handler, then recorded, then completed. Its result has arrived once it is both recorded and
 * completed, and then it is delivered. An inline step completes before it is recorded, and its result is delivered at
 * once.
 *
 * R1  Step n is the nth that the handler asks for.
 * R2  A result is delivered only while the handler is blocked, and only one at a time. The handler
 *     runs until it is blocked again before the next.
 * R3  Results that earlier turns delivered are delivered first, in the same order.
 * R4  Then, whenever the handler is blocked, inline steps run and are delivered in the order asked.
 *     If there are none, the result that has waited longest is next, by (completedAt, stepNumber).
 *     Results that are held back come last, as described below.
 * R5  The place of every result is recorded in the transaction that delivers it.
 *
 * By R2 and R3, the handler is in the same state after the nth result as when that result was first
 * delivered. Later results can only add to its requests.
 *
 * The platform ends a function that leaves a rejected promise without a handler while it is blocked. If a
 * branch fails before anything awaits it, delivering that result crashes the turn. The result has no place yet,
 * so by R4 and R5 it may be delivered later. It is held back, and retried each time after other results were
 * delivered, because something may await the branch by then. `src/engine/turn/trials.ts` finds the result that
 * crashed a turn.
 */
export class Replay implements HandlerReplay {
  private readonly issued: Issued[] = [];
  /** Steps to record, in the order asked, including inline steps and steps to start again. */
  private unwritten: Issued[] = [];
  /** Steps whose results wait for their first delivery, except those held back. The next is last. */
  private readonly arrived: Issued[] = [];
  /** The numbers of steps whose results earlier turns delivered, in the order of deliveries. */
  private readonly deliveredBefore: number[];
  /** How many results this execution of the handler got. */
  private delivered = 0;
  /** Deliveries to record. */
  private deliveries: TurnRecord["deliveries"] = [];
  /** How much of its limits this turn has used. */
  private readonly used = {
    inlineSteps: 0,
    inlineBytes: 0,
    deliveries: 0,
    deliveredBytes: 0,
  };
  private isTried = false;
  private divergence: DeterminismError | undefined;
  private settled: Settled | undefined;
  live: boolean;

  constructor(
    private readonly runId: string,
    private readonly journal: JournalEntry[],
    private readonly ports: TurnPorts,
  ) {
    this.deliveredBefore = [...journal.keys()]
      .filter((at) => journal[at]!.delivery && journal[at]!.outcome)
      .sort(
        (a, b) => journal[a]!.delivery!.order - journal[b]!.delivery!.order,
      );
    this.live = journal.length === 0;
  }

  unawaited() {
    return this.issued.flatMap((step) => {
      const { stepNumber, request, promise, entry, completed } = step;
      // The commit warns of those that are recorded without a delivery.
      const inline = completed?.delivery && completed.outcome;
      const { result } = entry?.outcome ?? inline ?? {};
      const isAwaited = promise.hasSubscriber || promise.combinators.length > 0;
      if (result?.kind !== "failed" || isAwaited) return [];
      return [{ stepNumber, name: request.name, error: result.error }];
    });
  }

  now(): number {
    return this.journal[this.issued.length]?.startedAt ?? this.ports.now;
  }

  get asked() {
    return this.issued.map(({ request }) => request);
  }

  recordedArgs(args: unknown): Record<string, unknown> | undefined {
    const held = this.journal[this.issued.length]?.args;
    return held && isStoredAs(held, args) ? held : undefined;
  }

  request(request: StepRequest): Promise<unknown> {
    const stepNumber = this.issued.length;
    const entry = this.journal[stepNumber];
    const promise = StepPromise.issue(request);
    const step = { stepNumber, request, promise, entry, bytes: 0 };
    this.issued.push(step);
    rememberCaller(request, entry);
    if (entry)
      this.divergence ??= differentRequest(
        this.runId,
        stepNumber,
        entry,
        request,
      );
    if (entry && !entry.unstarted) this.arrive(step);
    else {
      step.bytes = sizeOf(request.args);
      this.unwritten.push(step);
    }
    return promise;
  }

  patched(patch: StepRequest, records: boolean): boolean {
    const entry = this.journal[this.issued.length];
    const holds = entry ? isPatch(entry, patch.name) : records;
    if (!holds) return false;
    void this.request(patch);
    // The handler is past everything that earlier turns did.
    if (!entry && this.delivered === this.deliveredBefore.length)
      this.live = true;
    return true;
  }

  /** Queues a recorded step for delivery if its result is due. */
  private arrive(step: Issued) {
    if (!isUndelivered(step) || step.entry!.heldBack) return;
    const { arrived } = this;
    const at = arrived.findIndex((other) => arrivedBefore(other, step));
    arrived.splice(at < 0 ? arrived.length : at, 0, step);
  }

  /** Executes the turn to its end and records it. */
  async run(handler: () => Promise<unknown>): Promise<TurnEnd> {
    await this.resume(() =>
      startHandler(handler, (settled) => (this.settled = settled)),
    );
    for (const stepNumber of this.deliveredBefore) {
      if (this.settled) break;
      const step = this.issued[stepNumber];
      if (!step) throw this.missing("is blocked");
      await this.deliver(step, step.entry!.outcome!);
    }
    for (;;) {
      const end = await this.proceed();
      if (end) return end;
    }
  }

  private async resume(begin: () => void) {
    await this.ports.resume(begin);
    if (this.divergence) throw this.divergence;
  }

  private deliver(step: Issued, outcome: Outcome): Promise<void> {
    this.delivered++;
    return this.resume(() => step.promise.settle(outcome));
  }

  private missing(state: "returned" | "is blocked") {
    const stepNumber = this.issued.length;
    const entry = this.journal[stepNumber]!;
    return unrequested(this.runId, stepNumber, entry, state);
  }

  /** Delivers one new result to the blocked handler, or ends the turn. */
  private async proceed(): Promise<TurnEnd | undefined> {
    const { arrived, ports, settled, used } = this;
    const { steps, inline, isCut } = this.writable();
    if (isCut) return await this.yield();
    if (inline) return await this.runInline(inline, steps);
    if (settled) return await this.end(settled);
    if (ports.trials) return await this.tryFirst(ports.trials);
    if (arrived.length > 0) {
      const { deliveries, deliveredBytes } = ports.limits;
      const isFull =
        used.deliveries >= deliveries || used.deliveredBytes >= deliveredBytes;
      return isFull
        ? await this.yield()
        : await this.deliverNew(arrived.pop()!);
    }
    return await this.block();
  }

  /**
   * Returns the steps that can be recorded without a gap, up to the next inline step to run. `isCut` is set if they
   * exceed this turn's limits. Steps before an inline step that ran are recorded with it, even if the limits have shrunk
   * since.
   */
  private writable() {
    const { newSteps, newBytes } = this.ports.limits;
    const { unwritten } = this;
    const next = unwritten.findIndex(isInlineDue);
    const steps = next < 0 ? unwritten : unwritten.slice(0, next);
    const ran = steps.map(({ completed }) => !!completed).lastIndexOf(true);
    let count = 0;
    let bytes = 0;
    const end = steps.findIndex((step, at) => {
      if (step.completed) return false;
      const isFull = count >= newSteps || (count > 0 && bytes > newBytes);
      if (isFull && at > ran) return true;
      count++;
      bytes += step.bytes;
      return false;
    });
    const isCut = end >= 0;
    return {
      steps: isCut ? steps.slice(0, end) : steps,
      inline: unwritten[next],
      isCut,
    };
  }

  private async runInline(
    step: Issued,
    before: Issued[],
  ): Promise<TurnEnd | undefined> {
    const { ports, used } = this;
    if (used.inlineBytes >= ports.limits.newBytes) return await this.yield();
    const run = await ports.runInline(step.request, {
      inlineSteps: used.inlineSteps,
      unwritten: {
        steps: before.length,
        bytes: before.reduce((sum, { bytes }) => sum + bytes, 0),
      },
    });
    if (!run) return await this.yield();
    const { outcome, isFenced } = run;
    step.bytes += sizeOf(outcome);
    step.completed = { outcome, completedAt: ports.now };
    used.inlineSteps++;
    used.inlineBytes += step.bytes;
    this.live = true;
    // A handler that returned takes no more results. A trial delivers only its own.
    const isDelivered = !this.settled && !ports.trials;
    if (isDelivered) step.completed.delivery = this.place();
    if (isFenced) {
      await this.write();
      return { kind: "fenced" };
    }
    if (isDelivered) await this.deliver(step, outcome);
  }

  private async deliverNew(step: Issued): Promise<undefined> {
    const entry = step.entry!;
    entry.delivery = this.place();
    const { stepNumber } = step;
    this.deliveries.push({ stepNumber, delivery: entry.delivery });
    this.used.deliveries++;
    this.used.deliveredBytes += entry.bytes;
    this.live = true;
    await this.deliver(step, entry.outcome!);
  }

  private place(): Delivery {
    return { order: this.delivered, issued: this.issued.length };
  }

  /** A trial delivers only one result, so that a crash identifies it. */
  private async tryFirst({ steps }: Trials): Promise<TurnEnd | undefined> {
    const [first, ...rest] = steps;
    if (first === undefined) {
      const waiting = this.arrived.map(numberOf).reverse();
      return await this.yield({ toTry: [...waiting, ...this.dueAgain()] });
    }
    if (this.isTried) return await this.yield({ toTry: rest });
    this.isTried = true;
    const step = this.issued[first];
    if (step && isUndelivered(step)) await this.deliverNew(step);
  }

  private heldBack() {
    return this.issued.filter(
      (step) => isUndelivered(step) && step.entry!.heldBack,
    );
  }

  /** More results were delivered since these were tried, so promises that they reject may be handled now. */
  private dueAgain(): number[] {
    return this.heldBack()
      .filter(({ entry }) => entry!.heldBack!.shown !== this.delivered)
      .map(numberOf);
  }

  /** Records all changes. Returns false if the run was canceled or restarted meanwhile. */
  private async write(
    { hasMore = false, waits = [], trials, end }: Partial<TurnRecord> = {},
    conditions?: Map<Issued, WakeCondition>,
  ): Promise<boolean> {
    const { deliveries } = this;
    const { steps } = this.writable();
    const entries = await this.ports.record({
      steps: steps.map((step) => this.newStep(step, conditions?.get(step))),
      deliveries,
      waits,
      hasMore,
      trials,
      end,
    });
    if (!entries) return false;
    this.deliveries = [];
    this.unwritten = this.unwritten.slice(steps.length);
    for (const { stepNumber, condition } of waits)
      this.journal[stepNumber]!.condition = condition;
    for (const [at, step] of steps.entries()) {
      step.entry = entries[at]!;
      this.journal[step.stepNumber] = step.entry;
      this.arrive(step);
    }
    return true;
  }

  private newStep(
    step: Issued,
    condition: WakeCondition = this.settled
      ? { wakes: "never" }
      : wakeConditionOf(step.promise),
  ): NewStep {
    const { stepNumber, request, completed, entry } = step;
    return {
      stepNumber,
      request,
      startedAt: entry?.startedAt ?? this.ports.now,
      stepId: entry?.stepId,
      condition,
      completed,
    };
  }

  /** Ends the turn before it is done. The next turns try the results in `toTry`. */
  private async yield({
    waits,
    toTry: steps = [],
  }: { waits?: TurnRecord["waits"]; toTry?: number[] } = {}): Promise<TurnEnd> {
    const trials =
      steps.length > 0 ? { shown: this.delivered, steps } : undefined;
    const isWritten = await this.write({ hasMore: true, waits, trials });
    return { kind: isWritten ? "yielded" : "fenced" };
  }

  /** Records the turn of a blocked handler. The turn continues if steps got their results at once. */
  private async block(): Promise<TurnEnd | undefined> {
    if (this.issued.length < this.journal.length)
      throw this.missing("is blocked");
    const isNew = this.unwritten.length > 0;
    const toTry = this.dueAgain();
    if (!isNew && toTry.length > 0) return await this.yield({ toTry });
    const conditions = wakeConditions(this.inFlight());
    const recorded = [...conditions].flatMap(
      ([{ stepNumber, entry }, condition]) =>
        entry && !entry.unstarted ? [{ stepNumber, entry, condition }] : [],
    );
    const { now, later } = changedWaits(recorded, this.ports.limits);
    if (later) return await this.yield({ waits: now });
    const end = isNew || recorded.length > 0 ? undefined : this.deadEnd();
    if (!(await this.write({ waits: now, end }, conditions)))
      return { kind: "fenced" };
    if (end) return end;
    const continues = this.arrived.length > 0 || toTry.length > 0;
    return continues || this.inFlight().length === 0
      ? undefined
      : { kind: "waiting" };
  }

  private inFlight() {
    return this.issued.filter(
      ({ entry, completed, request }) =>
        !entry?.outcome && !completed && request.kind !== "patch",
    );
  }

  private deadEnd(): RunEnd {
    const [held] = this.heldBack();
    return held
      ? { kind: "heldBack", entry: held.entry!, stepNumber: held.stepNumber }
      : { kind: "stuck" };
  }

  private async end(settled: Settled): Promise<TurnEnd> {
    if (settled.kind === "returned" && this.issued.length < this.journal.length)
      throw this.missing("returned");
    return (await this.write({ end: settled })) ? settled : { kind: "fenced" };
  }
}

const numberOf = ({ stepNumber }: { stepNumber: number }) => stepNumber;

/** Whether a step's result is recorded but not yet delivered. A patch has no result to deliver. */
const isUndelivered = ({ entry }: Issued) =>
  entry?.outcome && !entry.delivery && entry.kind !== "patch";

/** Whether this is a new inline step that hasn't run. If a restart kept it, it starts again like any other step. */
const isInlineDue = ({ request, entry, completed }: Issued) =>
  request.inline && !entry && !completed;

/** Compares by (completedAt, stepNumber). */
function arrivedBefore(a: Issued, b: Issued): boolean {
  const ms = a.entry!.completedAt! - b.entry!.completedAt!;
  return ms < 0 || (ms === 0 && a.stepNumber < b.stepNumber);
}
