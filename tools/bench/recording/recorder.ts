import { AsyncLocalStorage } from "node:async_hooks";
import { clock } from "../clock.js";
import { noLatency } from "../latency.js";
import type { Call, Job, Kind } from "./call.js";
import { noCounts } from "./counts.js";

interface Called {
  kind: Kind;
  component: string;
  name: string;
  i: unknown;
}

/** Records every execution of a function and its operations. */
class Recorder {
  latency = noLatency();
  private calls: Call[] = [];
  private jobs = new Map<string, Job>();
  private readonly inside = new AsyncLocalStorage<Call>();
  private began = 0;

  /** Discards the records of an earlier backend. */
  reset() {
    this.calls = [];
    this.jobs.clear();
    this.began = 0;
    this.latency = noLatency();
  }

  /** Returns all calls that begin while `body` runs. */
  async during(body: () => Promise<void>): Promise<Call[]> {
    const calls: Call[] = [];
    this.calls = calls;
    try {
      await body();
      return calls;
    } finally {
      this.calls = [];
    }
  }

  /** Returns the call that runs in this async context. */
  current(): Call | undefined {
    return this.inside.getStore();
  }

  async execute<T>(called: Called, jobId: string | null, body: () => T) {
    const caller = this.current();
    const call: Call = {
      ...called,
      number: this.began++,
      caller,
      calls: [],
      job: jobId === null ? undefined : this.jobNamed(jobId, called),
      beganAt: clock.elapsed(),
      failed: false,
      counts: noCounts(),
      operations: [],
    };
    this.calls.push(call);
    caller?.calls.push(call);
    try {
      return await this.inside.run(call, body);
    } catch (error) {
      call.failed = true;
      throw error;
    }
  }

  scheduled(
    jobId: string,
    target: { component: string; name: string },
    delay: number,
  ) {
    this.jobs.set(keyOf(jobId, target), { by: this.current(), delay });
  }

  private jobNamed(jobId: string, called: Called): Job {
    return this.jobs.get(keyOf(jobId, called)) ?? { by: undefined, delay: 0 };
  }
}

/** Ids of different components may be the same. */
const keyOf = (
  jobId: string,
  { component, name }: { component: string; name: string },
) => `${jobId} ${component} ${name}`;

export const recorder = new Recorder();
