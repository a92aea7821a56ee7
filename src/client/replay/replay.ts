import type { Outcome } from "../../shared/outcome.js";
import { isStoredAs, sizeOf } from "../../shared/storable.js";
import { Arrivals } from "./arrivals.js";
import { wakeConditionOf } from "./combinators.js";
import {
  differentRequest,
  unrequested,
  type DeterminismError,
} from "./divergence.js";
import {
  isPatch,
  type Delivery,
  type JournalEntry,
  type StepRequest,
} from "./journal.js";
import { StepPromise } from "./stepPromise.js";
import type {
  NewStep,
  HandlerReplay,
  Settled,
  Trials,
  TurnEnd,
  TurnPorts,
  TurnRecord,
} from "./turn.js";
import { changedWaits } from "./waits.js";

/** A step that the handler asked for in this execution. */
interface Issued<Request> {
  stepNumber: number;
  request: Request;
  promise: StepPromise;
  /** The bytes to write: arguments, and the outcome of an inline step that ran. */
  bytes: number;
  /** Absent until the step is recorded. */
  entry?: JournalEntry;
  /** For an inline step that this turn ran. */
  completed?: NewStep["completed"];
}

/**
 * One turn of a run. It executes the handler from its beginning, over the journal.
 *
 * R1  Step n is the nth that the handler asks for.
 * R2  A result is delivered only while the handler is blocked, and only one at a time. The handler
 *     runs until it is blocked again before the next.
 * R3  Results that earlier turns delivered are delivered first, in the same order.
 * R4  Then, whenever the handler is blocked, inline steps run and are delivered in the order asked.
 *     If there are none, the result that has waited longest is next, by (completedAt, stepNumber).
 *     Results that are held back come last: see below.
 * R5  The place of every result is recorded in the transaction that delivers it.
 *
 * By R2 and R3, the handler is in the same state after the nth result as when that result was first
 * delivered. Later results can only add to its requests.
 *
 * The platform ends a function that leaves a rejected promise without a handler while it is blocked. If a
 * branch fails before anything awaits it, delivering that result crashes the turn. The result has no place yet,
 * so by R4 and R5 it may be delivered later. It is held back, and tried again each time after other results were
 * delivered, because something may await the branch by then. `src/engine/turn/trials.ts` finds the result that
 * crashed a turn.
 */
export class Replay<
  Request extends StepRequest,
> implements HandlerReplay<Request> {
  private readonly issued: Issued<Request>[] = [];
  /** Inline steps to run, in the order asked. */
  private readonly inlineDue: Issued<Request>[] = [];
  /** Steps to record, in the order asked: new ones, inline ones, and those to start again. */
  private unwritten: Issued<Request>[] = [];
  /** Completed steps whose results no turn has delivered. */
  private readonly arrived = new Arrivals<Issued<Request>>();
  /** Those of them that are held back. */
  private readonly heldBack: Issued<Request>[] = [];
  private isTried = false;
  /** The numbers of steps whose results earlier turns delivered, in the order of deliveries. */
  private readonly shownBefore: number[];
  private deliveries: TurnRecord["deliveries"] = [];
  private delivered = 0;
  private inlineRun = 0;
  private inlineBytes = 0;
  private shownSteps = 0;
  private shownBytes = 0;
  private divergence: DeterminismError | undefined;
  private settled: Settled | undefined;
  live: boolean;

  constructor(
    private readonly runId: string,
    private readonly journal: JournalEntry[],
    private readonly ports: TurnPorts<Request>,
  ) {
    this.shownBefore = [...journal.keys()]
      .filter((at) => journal[at]!.delivery && journal[at]!.outcome)
      .sort(
        (a, b) => journal[a]!.delivery!.order - journal[b]!.delivery!.order,
      );
    this.live = journal.length === 0;
  }

  unawaited(): number[] {
    return this.issued
      .filter(
        ({ entry, promise }) =>
          entry?.outcome?.result.kind === "failed" &&
          !promise.watched &&
          promise.combinators.length === 0,
      )
      .map(({ stepNumber }) => stepNumber);
  }

  now(): number {
    return this.journal[this.issued.length]?.startedAt ?? this.ports.now;
  }

  recordedArgs(args: unknown): Record<string, unknown> | undefined {
    const held = this.journal[this.issued.length]?.args;
    return held && isStoredAs(held, args) ? held : undefined;
  }

  request(request: Request): Promise<unknown> {
    const stepNumber = this.issued.length;
    const entry = this.journal[stepNumber];
    const promise = StepPromise.issue(request);
    const step = { stepNumber, request, promise, entry, bytes: 0 };
    this.issued.push(step);
    if (entry) this.match(step, entry);
    else {
      step.bytes = sizeOf(request.args);
      this.unwritten.push(step);
      if (request.inline) this.inlineDue.push(step);
    }
    return promise;
  }

  patched(patch: Request, records: boolean): boolean {
    const entry = this.journal[this.issued.length];
    const holds = entry ? isPatch(entry, patch.name) : records;
    if (!holds) return false;
    void this.request(patch);
    // The handler is past everything that earlier turns did.
    if (!entry && this.delivered === this.shownBefore.length) this.live = true;
    return true;
  }

  private match(step: Issued<Request>, entry: JournalEntry) {
    const { stepNumber, request } = step;
    this.divergence ??= differentRequest(
      this.runId,
      stepNumber,
      entry,
      request,
    );
    if (entry.unstarted) {
      step.bytes = sizeOf(request.args);
      this.unwritten.push(step);
    } else if (entry.outcome && !entry.delivery && entry.kind !== "patch") {
      if (entry.heldBack) this.heldBack.push(step);
      else this.arrived.add(step);
    }
  }

  /** Executes the turn to its end and records it. */
  async run(handler: () => Promise<unknown>): Promise<TurnEnd> {
    await this.resume(() => this.begin(handler));
    for (;;) {
      const again = this.shownBefore[this.delivered];
      if (again !== undefined && !this.settled) {
        await this.showAgain(again);
        continue;
      }
      const end = await this.proceed();
      if (end) return end;
    }
  }

  private begin(handler: () => Promise<unknown>) {
    // A handler that isn't an async function may throw synchronously.
    new Promise((resolve) => resolve(handler())).then(
      (value) => (this.settled = { kind: "returned", value }),
      (error: unknown) => (this.settled = { kind: "threw", error }),
    );
  }

  private async resume(begin: () => void) {
    await this.ports.resume(begin);
    if (this.divergence) throw this.divergence;
  }

  /** Delivers one new result to the blocked handler, or ends the turn. */
  private async proceed(): Promise<TurnEnd | undefined> {
    const { ports, settled } = this;
    const inline = this.inlineDue[0];
    if (this.firstTooMany()) return await this.yield();
    if (inline) {
      const full = this.inlineBytes >= ports.limits.newBytes;
      if (full || !(await ports.roomForInline(this.inlineRun)))
        return await this.yield();
      return await this.runInline(inline);
    }
    if (settled) return await this.end(settled);
    if (ports.trials) return await this.tryFirst(ports.trials);
    if (this.arrived.size > 0) {
      const { shownSteps, shownBytes } = ports.limits;
      const full =
        this.shownSteps >= shownSteps || this.shownBytes >= shownBytes;
      if (full) return await this.yield();
      return await this.deliver(this.arrived.takeLongestWaiting());
    }
    if (this.unwritten.length > 0)
      return (await this.write()) ? undefined : { kind: "fenced" };
    return await this.wait();
  }

  /**
   * The first step that exceeds this turn's limits. It is one of the steps that can be recorded without a gap, so up to
   * an inline step that hasn't run. Steps before an inline step that ran are recorded with it, so they never exceed the
   * limits.
   */
  private firstTooMany(): Issued<Request> | undefined {
    const { newSteps, newBytes } = this.ports.limits;
    const lastRun = this.unwritten.reduce(
      (last, step) => (step.completed ? step.stepNumber : last),
      -1,
    );
    let steps = 0;
    let bytes = 0;
    for (const step of this.unwritten) {
      if (step === this.inlineDue[0]) return undefined;
      if (step.completed) continue;
      const full = steps >= newSteps || (steps > 0 && bytes > newBytes);
      if (full && step.stepNumber > lastRun) return step;
      steps++;
      bytes += step.bytes;
    }
    return undefined;
  }

  private unwrittenBefore(inline: Issued<Request>) {
    const before = this.unwritten.filter(
      ({ stepNumber }) => stepNumber < inline.stepNumber,
    );
    const bytes = before.reduce((sum, step) => sum + step.bytes, 0);
    return { steps: before.length, bytes };
  }

  /** A trial delivers only one result, so that a crash identifies it. */
  private async tryFirst({ steps }: Trials): Promise<TurnEnd | undefined> {
    const [first, ...rest] = steps;
    if (first === undefined)
      return await this.yield({
        steps: [...this.arrived.all(), ...this.dueAgain()],
      });
    if (this.isTried) return await this.yield({ steps: rest });
    this.isTried = true;
    const step = this.issued[first];
    if (!step?.entry?.outcome || step.entry.delivery) return;
    this.arrived.remove(step);
    await this.deliver(step);
  }

  /** More results were delivered since these were tried, so promises that they reject may be handled now. */
  private dueAgain() {
    return this.heldBack.filter(
      ({ entry }) =>
        !entry!.delivery && entry!.heldBack!.shown !== this.delivered,
    );
  }

  private showAgain(stepNumber: number): Promise<void> {
    const step = this.issued[stepNumber];
    if (!step) throw this.missing("is blocked");
    return this.show(step, step.entry!.outcome!);
  }

  private missing(state: "returned" | "is blocked") {
    const stepNumber = this.issued.length;
    const entry = this.journal[stepNumber]!;
    return unrequested(this.runId, stepNumber, entry, state);
  }

  private show(step: Issued<Request>, outcome: Outcome): Promise<void> {
    this.delivered++;
    return this.resume(() => step.promise.show(outcome));
  }

  private place(): Delivery {
    return { order: this.delivered, issued: this.issued.length };
  }

  private async runInline(step: Issued<Request>): Promise<TurnEnd | undefined> {
    const run = await this.ports.runInline(step.request, {
      isFirst: this.inlineRun === 0,
      unwritten: this.unwrittenBefore(step),
    });
    if (!run) return await this.yield();
    const { outcome, isFenced } = run;
    this.inlineDue.shift();
    this.inlineRun++;
    step.bytes += sizeOf(outcome);
    this.inlineBytes += step.bytes;
    this.live = true;
    step.completed = { outcome, completedAt: this.ports.now };
    // A handler that returned takes no more results. A trial delivers only its own.
    const isShown = !this.settled && !this.ports.trials;
    if (isShown) step.completed.delivery = this.place();
    if (isFenced) {
      await this.write();
      return { kind: "fenced" };
    }
    if (isShown) await this.show(step, outcome);
  }

  private async deliver(step: Issued<Request>): Promise<undefined> {
    const entry = step.entry!;
    entry.delivery = this.place();
    this.deliveries.push({ entry, delivery: entry.delivery });
    this.shownSteps++;
    this.shownBytes += entry.bytes;
    this.live = true;
    await this.show(step, entry.outcome!);
  }

  /** Records what is new. False if the run was canceled or restarted meanwhile. */
  private async write(
    options: Partial<Pick<TurnRecord, "hasMore" | "waits" | "trials">> = {},
  ): Promise<boolean> {
    const { deliveries } = this;
    const { hasMore = false, waits = [], trials } = options;
    const steps = this.writable();
    if (!steps.length && !deliveries.length && !waits.length && !hasMore)
      return true;
    const entries = await this.ports.record({
      steps: steps.map((step) => this.newStep(step)),
      deliveries,
      waits,
      hasMore,
      trials,
    });
    if (!entries) return false;
    this.deliveries = [];
    this.unwritten = this.unwritten.slice(steps.length);
    for (const { entry, condition } of waits) entry.condition = condition;
    for (const [at, step] of steps.entries()) {
      step.entry = entries[at]!;
      this.journal[step.stepNumber] = step.entry;
      const { kind, outcome } = step.entry;
      if (outcome && !step.completed && kind !== "patch")
        this.arrived.add(step);
    }
    return true;
  }

  /** The first steps to record. */
  private writable() {
    const end = (this.firstTooMany() ?? this.inlineDue[0])?.stepNumber;
    return this.unwritten.filter(
      ({ stepNumber }) => end === undefined || stepNumber < end,
    );
  }

  private newStep(step: Issued<Request>): NewStep<Request> {
    const { stepNumber, request, completed, promise, entry } = step;
    return {
      stepNumber,
      request,
      startedAt: entry?.startedAt ?? this.ports.now,
      stepId: entry?.stepId,
      condition: this.settled ? { wakes: "never" } : wakeConditionOf(promise),
      completed,
    };
  }

  private async yield({
    waits,
    steps = [],
  }: {
    waits?: TurnRecord["waits"];
    /** The results that the next turns try. */
    steps?: (Issued<Request> | number)[];
  } = {}): Promise<TurnEnd> {
    const trials = steps.length > 0 && {
      shown: this.delivered,
      steps: steps.map((step) =>
        typeof step === "number" ? step : step.stepNumber,
      ),
    };
    const written = await this.write({
      hasMore: true,
      waits,
      trials: trials || undefined,
    });
    return { kind: written ? "yielded" : "fenced" };
  }

  private async wait(): Promise<TurnEnd> {
    if (this.issued.length < this.journal.length)
      throw this.missing("is blocked");
    const dueAgain = this.dueAgain();
    if (dueAgain.length > 0) return await this.yield({ steps: dueAgain });
    const inFlight = this.issued.filter(({ entry }) => !entry!.outcome);
    const { now, later } = changedWaits(
      inFlight.map(({ entry, promise }) => ({ entry: entry!, promise })),
      this.ports.limits,
    );
    if (later) return await this.yield({ waits: now });
    if (!(await this.write({ waits: now }))) return { kind: "fenced" };
    if (inFlight.length > 0) return { kind: "waiting" };
    const [held] = this.heldBack;
    return held
      ? { kind: "heldBack", entry: held.entry!, stepNumber: held.stepNumber }
      : { kind: "stuck" };
  }

  private async end(settled: Settled): Promise<TurnEnd> {
    if (settled.kind === "returned" && this.issued.length < this.journal.length)
      throw this.missing("returned");
    return (await this.write()) ? settled : { kind: "fenced" };
  }
}
