import { differentRequest, type DeterminismError } from "../divergence.js";
import type { JournalEntry, StepRequest } from "../journal.js";
import { settleWith } from "../stepPromise.js";
import type { NewStep, Replay, Settled, TurnEnd, TurnPorts } from "../turn.js";
import { LegacyQueue } from "./queue.js";

/** Through how many async functions an answer passes on its way to the handler. */
const LAYERS = { function: 3, workflow: 2, event: 2, sleep: 2 };

/** 0.4 runs inline steps however full the transaction is. */
const ALONE = { isFirst: true, unwritten: { steps: 0, bytes: 0 } };

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
  private divergence: DeterminismError | undefined;
  private settled: Settled | undefined;
  live: boolean;

  constructor(
    private readonly runId: string,
    private readonly journal: JournalEntry[],
    private readonly ports: TurnPorts<Request>,
    /** How many requests are buffered: the manager's `maxParallelism`, else 10. */
    capacity = 10,
  ) {
    this.queue = new LegacyQueue(capacity);
    this.live = journal.length === 0;
  }

  now(): number {
    const next = this.journal[this.taken + this.queue.size];
    return next?.startedAt ?? this.ports.now;
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
    return layered();
  }

  async run(handler: () => Promise<unknown>): Promise<TurnEnd> {
    await this.ports.resume(() => {
      this.begin(handler);
      void this.answerRequests();
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
    while (!this.divergence) {
      const asked = await this.queue.take();
      const entry = this.journal[this.taken];
      if (!entry || entry.unstarted) return await this.gatherBatch(asked);
      this.answerFromJournal(asked, entry);
    }
  }

  private answerFromJournal(asked: Asked<Request>, entry: JournalEntry) {
    this.divergence = differentRequest(
      this.runId,
      this.taken,
      withoutType(entry),
      withoutType(asked.request),
    );
    if (this.divergence) return;
    this.taken++;
    this.live = this.taken === this.journal.length;
    asked.answer(entry);
  }

  private async gatherBatch(first: Asked<Request>) {
    const batch = [first];
    for (let left = this.queue.size; left > 0; left--)
      batch.push(await this.queue.take());
    this.batch = batch;
  }

  /** L3. Null when the run was canceled or restarted since the turn began. */
  private async startBatch(
    batch: Asked<Request>[],
  ): Promise<JournalEntry[] | null> {
    const steps: NewStep<Request>[] = [];
    for (const { request } of batch)
      steps.push(await this.newStep(request, this.taken + steps.length));
    if (this.divergence) throw this.divergence;
    const entries = await this.ports.record({
      steps,
      deliveries: [],
      waits: [],
      goOn: false,
    });
    if (!entries) return null;
    for (const entry of entries) this.journal[this.taken++] = entry;
    return entries;
  }

  private async newStep(
    request: Request,
    stepNumber: number,
  ): Promise<NewStep<Request>> {
    const entry = this.journal[stepNumber];
    if (entry)
      this.divergence ??= differentRequest(
        this.runId,
        stepNumber,
        withoutType(entry),
        withoutType(request),
      );
    const completed =
      request.inline && !entry
        ? {
            outcome: (await this.ports.runInline(request, ALONE))!,
            completedAt: this.ports.now,
          }
        : undefined;
    return {
      stepNumber,
      request,
      startedAt: entry?.startedAt ?? this.ports.now,
      stepId: entry?.stepId,
      interest: { wakes: "always" },
      completed,
    };
  }
}

const withoutType = <T extends JournalEntry | StepRequest>(step: T): T => ({
  ...step,
  functionType: undefined,
});
