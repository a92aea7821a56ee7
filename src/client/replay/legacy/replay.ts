import type { Outcome } from "../../../shared/outcome.js";
import { differentRequest } from "../divergence.js";
import type { JournalEntry, StepRequest } from "../journal.js";
import { settleWith } from "../stepPromise.js";
import type { NewStep, Replay, Settled, TurnEnd, TurnPorts } from "../turn.js";
import { LegacyQueue } from "./queue.js";

/** Through how many async functions an answer passes on its way to the handler. */
const LAYERS = { function: 3, workflow: 2, event: 2, sleep: 2 };

/** 0.4 runs inline steps however full the transaction is. */
const ALONE = { isFirst: true, unwritten: { steps: 0, bytes: 0 } };

/** 0.4 knows no limits. */
type Ports<Request extends StepRequest> = Pick<
  TurnPorts<Request>,
  "now" | "resume" | "runInline" | "record"
>;

interface Asked<Request> {
  request: Request;
  answer: (entry: JournalEntry) => void;
}

/**
 * One turn of a run that was begun by 0.4, by its rules, which were found by observing it:
 *
 * L1  There is no turn while a step is in flight.
 * L2  Requests are taken one at a time, in the order asked. Each takes the journal's next entry and is
 *     answered at once, however busy the handler's other branches are.
 *     Functions are not told apart by their type.
 * L3  The first that the journal doesn't hold is started, together with whatever is buffered at that
 *     moment. What is asked later is forgotten, and asked again by the next turn.
 * L4  The time is that of the entry which the last request in the buffer will take.
 * L5  Entries that the handler no longer asks for are no reason to fail.
 *
 * By L2 the order of steps depends on microtasks. Nothing here may add or remove an `await`.
 *
 * Where all that was started in L3 is completed at once (inline steps, events already sent), 0.4 answered
 * it in an order that its own replay did not repeat. Here the turn begins again, over the longer journal.
 */
export class LegacyReplay<
  Request extends StepRequest,
> implements Replay<Request> {
  private readonly queue: LegacyQueue<Asked<Request>>;
  private taken = 0;
  private batch: Asked<Request>[] | undefined;
  private divergence: Error | undefined;
  private settled: Settled | undefined;
  live: boolean;

  constructor(
    private readonly runId: string,
    private readonly journal: JournalEntry[],
    private readonly ports: Ports<Request>,
    /** How many requests are buffered: the manager's `maxParallelism`, else 10. */
    capacity = 10,
  ) {
    this.queue = new LegacyQueue(capacity);
    this.live = journal.length === 0;
  }

  /** Who awaits what isn't known under these rules. */
  unawaited(): number[] {
    return [];
  }

  now(): number {
    const next = this.journal[this.taken + this.queue.size];
    return next?.startedAt ?? this.ports.now;
  }

  /** Which entry a request is going to take depends on what is asked beside it. */
  recordedArgs(): undefined {
    return undefined;
  }

  request(request: Request): Promise<unknown> {
    let layered = async () => {
      let answer!: Asked<Request>["answer"];
      const answered = new Promise((resolve, reject) => {
        answer = (entry) =>
          settleWith(request, entry.outcome!, resolve, reject);
      });
      await this.queue.push({ request, answer });
      return await answered;
    };
    for (let layer = 1; layer < LAYERS[request.kind]; layer++) {
      const inner = layered;
      layered = async () => await inner();
    }
    const promise = layered();
    // A step that nobody awaits may fail without taking the turn with it.
    void promise.catch(() => {});
    return promise;
  }

  async run(handler: () => Promise<unknown>): Promise<TurnEnd> {
    await this.ports.resume(() => {
      this.begin(handler);
      this.answerRequests().catch((error: Error) => {
        this.divergence = error;
      });
    });
    if (this.divergence) throw this.divergence;
    const { batch, settled } = this;
    if (!batch) return settled ?? { kind: "stuck" };
    const entries = await this.startBatch(batch);
    if (!entries) return { kind: "fenced" };
    if (settled) return settled;
    return entries.every(({ outcome }) => outcome)
      ? { kind: "again" }
      : { kind: "waiting" };
  }

  private begin(handler: () => Promise<unknown>) {
    const call = async () => await handler();
    call().then(
      (value) => (this.settled = { kind: "returned", value }),
      (error: unknown) => (this.settled = { kind: "threw", error }),
    );
  }

  /** L2, up to the first request that the journal doesn't answer. */
  private async answerRequests() {
    for (;;) {
      const asked = await this.queue.take();
      const entry = this.journal[this.taken];
      if (!entry || entry.unstarted) return await this.gatherBatch(asked);
      this.compare(this.taken, entry, asked.request);
      this.taken++;
      this.live = this.taken === this.journal.length;
      asked.answer(entry);
    }
  }

  private async gatherBatch(first: Asked<Request>) {
    const batch = [first];
    for (let left = this.queue.size; left > 0; left--)
      batch.push(await this.queue.take());
    this.batch = batch;
  }

  /**
   * L3. Null when the run was canceled or restarted since the turn began. Where a restart has left
   * gaps, what lies between them is not started again.
   */
  private async startBatch(
    batch: Asked<Request>[],
  ): Promise<JournalEntry[] | null> {
    const steps: NewStep<Request>[] = [];
    for (const [index, { request }] of batch.entries()) {
      const stepNumber = this.taken + index;
      const entry = this.journal[stepNumber];
      if (entry) this.compare(stepNumber, entry, request);
      if (entry && !entry.unstarted) continue;
      const inline = request.inline && !entry;
      const run = inline ? await this.ports.runInline(request, ALONE) : null;
      steps.push(this.newStep(request, stepNumber, entry, run?.outcome));
      if (run?.isFenced) break;
    }
    const entries = await this.ports.record({
      steps,
      deliveries: [],
      waits: [],
      goOn: false,
    });
    for (const [index, { stepNumber }] of steps.entries())
      if (entries) this.journal[stepNumber] = entries[index]!;
    return entries;
  }

  private newStep(
    request: Request,
    stepNumber: number,
    kept: JournalEntry | undefined,
    outcome: Outcome | undefined,
  ): NewStep<Request> {
    return {
      stepNumber,
      request,
      startedAt: kept?.startedAt ?? this.ports.now,
      stepId: kept?.stepId,
      interest: { wakes: "always" },
      completed: outcome && { outcome, completedAt: this.ports.now },
    };
  }

  private compare(stepNumber: number, entry: JournalEntry, request: Request) {
    const divergence = differentRequest(
      this.runId,
      stepNumber,
      withoutType(entry),
      withoutType(request),
    );
    if (divergence) throw divergence;
  }
}

const withoutType = <T extends JournalEntry | StepRequest>(step: T): T => ({
  ...step,
  functionType: undefined,
});
