import type { Outcome } from "../../../shared/outcome.js";
import { differentRequest } from "../divergence.js";
import {
  isPatch,
  rememberCaller,
  type JournalEntry,
  type StepRequest,
} from "../journal.js";
import { settleWith } from "../stepPromise.js";
import {
  startHandler,
  type HandlerReplay,
  type NewStep,
  type RunEnd,
  type Settled,
  type TurnEnd,
  type TurnPorts,
} from "../turn.js";
import { LegacyQueue } from "./queue.js";

/** The number of async functions between a reply and the handler, by step kind. */
const LAYERS = { function: 3, workflow: 2, event: 2, sleep: 2, patch: 0 };

/** 0.4 runs inline steps even if the transaction is full, so each one counts as the first. */
const ALONE = { inlineSteps: 0, unwritten: { steps: 0, bytes: 0 } };

/** 0.4 has no limits. */
type Ports = Pick<
  TurnPorts,
  "now" | "resume" | "hostCall" | "runInline" | "record"
>;

interface QueuedRequest {
  stepNumber: number;
  request: StepRequest;
  answer: (entry: JournalEntry) => void;
}

/**
 * Executes one turn of a run that 0.4 began, under 0.4's rules. They come from observing that release:
 *
 * L1  There is no turn while a step is in flight.
 * L2  Requests are taken one at a time, in the order asked. Each takes the journal's next entry and gets
 *     its reply at once, even while other branches of the handler are busy.
 *     The type of a function isn't compared.
 * L3  The first request that the journal doesn't hold is started, together with all requests that are
 *     buffered at that moment. Later requests are dropped, and the next turn makes them again.
 * L4  The time is the start of the entry that follows those of all answered and all buffered requests. A request that
 *     is taken but not answered isn't counted.
 * L5  The handler may stop asking for recorded entries. That isn't an error.
 * L6  If the handler ends before the batch of L3 starts, the batch is dropped. Its inline steps still run, and steps
 *     that a restart kept still start. A batch with a function or a child starts after a call of the host, and any
 *     other a microtask later.
 *
 * Runs of 0.4 may also pass a patch, which 0.4 lacks. It is numbered with the requests, in the order asked.
 *
 * By L2, the step order depends on microtasks. Never add or remove an `await` here.
 *
 * If everything that L3 started completes at once (inline steps, events already sent), 0.4 replied in an order that
 * its own replay didn't repeat. Here the turn begins again, over the longer journal.
 */
export class LegacyReplay implements HandlerReplay {
  /** The requests and patches of this execution, in order. */
  readonly asked: StepRequest[] = [];
  private readonly queue: LegacyQueue<QueuedRequest>;
  /** The first patch that isn't recorded. */
  private newPatch = Infinity;
  /**
   * The length of `asked` when the batch was taken. This turn records no later patch, because on replay the branches
   * that the batch resumes may ask for more steps first.
   */
  private askedBefore = Infinity;
  private taken = 0;
  private batch: QueuedRequest[] | undefined;
  /** The handler ended before the batch started. */
  private dropsBatch = false;
  private divergence: Error | undefined;
  private settled: Settled | undefined;
  live: boolean;

  constructor(
    private readonly runId: string,
    private readonly journal: JournalEntry[],
    private readonly ports: Ports,
    /** How many requests the queue buffers. This is the manager's `maxParallelism`, or 10. */
    capacity = 10,
  ) {
    this.queue = new LegacyQueue(capacity);
    this.live = journal.length === 0;
  }

  /** These rules don't track who awaits a step. */
  unawaited(): never[] {
    return [];
  }

  now(): number {
    const next = this.journal[this.taken + this.queue.size];
    return next?.startedAt ?? this.ports.now;
  }

  /** The entry that a request will take depends on the other requests. */
  recordedArgs(): undefined {
    return undefined;
  }

  patched(patch: StepRequest, records: boolean): boolean {
    const stepNumber = this.asked.length;
    const entry = this.journal[stepNumber];
    if (!(entry ? isPatch(entry, patch.name) : records)) return false;
    if (!entry) this.newPatch = Math.min(this.newPatch, stepNumber);
    this.asked.push(patch);
    this.passPatches();
    return true;
  }

  /** Skips entries of patches, which are answered at once, so the next entry belongs to a request. */
  private passPatches() {
    while (this.asked[this.taken]?.kind === "patch") this.taken++;
    this.live = this.taken >= this.journal.length;
  }

  request(request: StepRequest): Promise<unknown> {
    const stepNumber = this.asked.push(request) - 1;
    rememberCaller(request, this.journal[stepNumber]);
    let layered = async () => {
      let answer!: QueuedRequest["answer"];
      const answered = new Promise((resolve, reject) => {
        answer = (entry) =>
          settleWith(request, entry.outcome!, resolve, reject);
      });
      await this.queue.push({ stepNumber, request, answer });
      return await answered;
    };
    for (let layer = 1; layer < LAYERS[request.kind]; layer++) {
      const inner = layered;
      layered = async () => await inner();
    }
    const promise = layered();
    // A step that nothing awaits may fail without failing the turn.
    void promise.catch(() => {});
    return promise;
  }

  async run(handler: () => Promise<unknown>): Promise<TurnEnd> {
    await this.ports.resume(() => {
      startHandler(handler, (settled) => (this.settled = settled));
      this.answerRequests().catch((error: Error) => {
        this.divergence = error;
      });
    });
    if (this.divergence) throw this.divergence;
    const { batch = [], settled } = this;
    const end: RunEnd | undefined =
      settled ?? (batch.length === 0 ? { kind: "stuck" } : undefined);
    const entries = await this.startBatch(batch, end);
    if (!entries) return { kind: "fenced" };
    if (end) return end;
    return entries.every(({ outcome }) => outcome)
      ? { kind: "again" }
      : { kind: "waiting" };
  }

  /** Applies L2 until a request isn't in the journal. */
  private async answerRequests() {
    for (;;) {
      const asked = await this.queue.take();
      const entry = this.journal[this.taken];
      if (!entry || entry.unstarted) return await this.gatherBatch(asked);
      this.compare(this.taken, entry, asked.request);
      this.taken++;
      this.passPatches();
      asked.answer(entry);
    }
  }

  private async gatherBatch(first: QueuedRequest) {
    const batch = [first];
    this.askedBefore = this.asked.length;
    for (let left = this.queue.size; left > 0; left--)
      batch.push(await this.queue.take());
    this.batch = batch;
    const handles = ["function", "workflow"];
    const needsHandle = batch.some(({ request: { kind } }) =>
      handles.includes(kind),
    );
    await (needsHandle ? this.ports.hostCall().catch(() => {}) : undefined);
    this.dropsBatch = this.settled !== undefined;
  }

  /**
   * Applies L3, and records the patches before and between the steps. Returns null if the run was canceled or
   * restarted since the turn began. If a restart left gaps, completed steps between them don't start again.
   */
  private async startBatch(
    batch: QueuedRequest[],
    end: RunEnd | undefined,
  ): Promise<JournalEntry[] | null> {
    const steps: NewStep[] = [];
    let hasDropped = false;
    const last = batch.at(-1)?.stepNumber ?? -1;
    let stepNumber = Math.min(this.newPatch, batch[0]?.stepNumber ?? Infinity);
    for (; stepNumber < this.askedBefore; stepNumber++) {
      const request = this.asked[stepNumber];
      if (!request || (request.kind !== "patch" && stepNumber > last)) break;
      const entry = this.journal[stepNumber];
      if (entry) this.compare(stepNumber, entry, request);
      if (entry && !entry.unstarted) continue;
      const inline = request.inline && !entry;
      const run = inline ? await this.ports.runInline(request, ALONE) : null;
      if (this.dropsBatch && !entry && !inline && request.kind !== "patch")
        hasDropped = true;
      // The journal has no gaps, so nothing that follows a dropped step is recorded.
      if (!hasDropped)
        steps.push(this.newStep(request, stepNumber, entry, run?.outcome));
      if (run?.isFenced) break;
    }
    const entries = await this.ports.record({
      steps,
      deliveries: [],
      waits: [],
      hasMore: false,
      end,
    });
    for (const [index, { stepNumber }] of steps.entries())
      if (entries) this.journal[stepNumber] = entries[index]!;
    return entries;
  }

  private newStep(
    request: StepRequest,
    stepNumber: number,
    kept: JournalEntry | undefined,
    outcome: Outcome | undefined,
  ): NewStep {
    return {
      stepNumber,
      request,
      startedAt: kept?.startedAt ?? this.ports.now,
      stepId: kept?.stepId,
      condition: { wakes: "always" },
      completed: outcome && { outcome, completedAt: this.ports.now },
    };
  }

  private compare(
    stepNumber: number,
    entry: JournalEntry,
    request: StepRequest,
  ) {
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
