import type { RunResult, WorkflowCtx } from "../../client/index.js";
import { DAY } from "../units.js";
import { api } from "./functions.js";
import {
  Aborter,
  Channel,
  drive,
  LabelledPromise,
  limiter,
  mapper,
  memoized,
  messageOf,
  Mutex,
  Semaphore,
  Task,
} from "./helpers.js";

/** An app's operation on a run from outside. */
export type Request =
  | "cancel"
  | { restartFrom: number | string }
  | { send: string; value: unknown };

/** A handler as apps write it, with its expected outcome on every backend and with either `execution`. */
interface Program {
  handler: (step: WorkflowCtx, input: any) => Promise<unknown>;
  input?: unknown;
  /** Operations from outside, each with its time after the start in milliseconds. */
  meanwhile?: [number, Request][];
  onComplete?: (result: RunResult) => Request | undefined;
  returns?: unknown;
  /** The run's final status. Default: completed. */
  ends?: { type: "canceled" } | { type: "failed"; error: string };
  /** The values that mutations wrote, in any order. Default: none. */
  writes?: unknown[];
  /** The results with which `onComplete` is called. Default: once, with the run's result. */
  calls?: RunResult["kind"][];
  /** Why 0.4.8 behaves differently. */
  differs?: string;
}

const { read, write, act, flaky, count, fail } = api.functions;
const program = api.app.program;

const WAITS_FOR_ALL = "0.4.8 resumes when no step is in flight any more";

export const PROGRAMS: Record<string, Program> = {
  "onboarding nudges a user day by day until they are active": {
    handler: async (step) => {
      await step.runAction(act, { value: "welcome" }, { retry: true });
      for (let day = 1; day <= 5; day++) {
        await step.sleep(DAY, { name: `day ${day}` });
        if (await step.runQuery(read, { value: day >= 4 })) return day;
        await step.runMutation(write, { value: `nudge ${day}` });
      }
      return "gave up";
    },
    returns: 4,
    writes: ["nudge 1", "nudge 2", "nudge 3"],
  },

  "p-limit runs three at a time and keeps their order": {
    handler: async (step) => {
      const limit = limiter(3);
      const work = [5, 4, 3, 2, 1, 6, 7].map((n) =>
        limit(async () => {
          const value: number = await step.runAction(act, {
            ms: n * 100,
            value: n,
          });
          return await step.runMutation(write, { value: value * 10 });
        }),
      );
      return await Promise.all(work);
    },
    returns: [50, 40, 30, 20, 10, 60, 70],
    writes: [10, 20, 30, 40, 50, 60, 70],
  },

  "p-map stops at the first failure": {
    handler: async (step) => {
      const work = async (n: number) =>
        n === 2
          ? await step.runMutation(fail, { message: "two" })
          : await step.runAction(act, { ms: 50 * n, value: n });
      const options = { concurrency: 2, stopOnError: true };
      try {
        return await mapper([1, 2, 3, 4], work, options);
      } catch (error) {
        return await step.runMutation(write, { value: messageOf(error) });
      }
    },
    returns: "two",
    writes: ["two"],
  },

  "p-map throws all failures together": {
    handler: async (step) => {
      const work = async (n: number) =>
        n % 2 === 1
          ? await step.runMutation(fail, { message: `${n}` })
          : await step.runQuery(read, { value: n });
      const options = { concurrency: 3, stopOnError: false };
      return await mapper([1, 2, 3, 4], work, options).catch(
        (error: AggregateError) => error.errors.map(messageOf).sort(),
      );
    },
    returns: ["1", "3"],
  },

  "an agent calls tools, one of which fails, until it has an answer": {
    handler: async (step) => {
      const tools: Record<string, (n: number) => Promise<unknown>> = {
        search: (n) => step.runQuery(read, { value: n * 2 }),
        book: () => step.runMutation(fail, { message: "sold out" }),
      };
      const messages: unknown[] = [{ role: "user" }];
      for (let turn = 0; ; turn++) {
        const calls = [
          { tool: "search", n: turn },
          { tool: "book", n: turn },
        ];
        const reply = await step.runAction(
          act,
          { value: turn < 2 ? { calls } : { text: "done" } },
          { retry: { maxAttempts: 3, initialBackoffMs: 10, base: 2 } },
        );
        messages.push(reply);
        if (reply.text) break;
        for (const call of reply.calls) {
          const result = await tools[call.tool]!(call.n).catch(messageOf);
          // The handler owns the reply, so it may keep it.
          call.result = result;
        }
        reply.calls.reverse();
      }
      await step.runAction(act, { value: { messages } });
      return messages;
    },
    returns: [
      { role: "user" },
      {
        calls: [
          { tool: "book", n: 0, result: "sold out" },
          { tool: "search", n: 0, result: 0 },
        ],
      },
      {
        calls: [
          { tool: "book", n: 1, result: "sold out" },
          { tool: "search", n: 1, result: 2 },
        ],
      },
      { text: "done" },
    ],
  },

  "a saga undoes what it did, in reverse, and reports what it can't undo": {
    handler: async (step) => {
      const undo: (() => Promise<unknown>)[] = [];
      const failures: string[] = [];
      try {
        await step.runMutation(write, { value: "hotel" });
        undo.push(() => step.runMutation(write, { value: "no hotel" }));
        await step.runAction(act, { value: "car" });
        undo.push(() => step.runMutation(fail, { message: "keeps car" }));
        await step.runMutation(write, { value: "train" });
        undo.push(() => step.runMutation(write, { value: "no train" }));
        await step.runAction(act, { fails: "flight" });
      } catch (error) {
        failures.push(messageOf(error));
        while (undo.length > 0)
          await undo.pop()!().catch((error) => {
            failures.push(messageOf(error));
          });
      }
      return failures;
    },
    returns: ["flight", "keeps car"],
    writes: ["hotel", "train", "no train", "no hotel"],
  },

  "parts that succeeded are undone if any failed": {
    handler: async (step) => {
      const parts = await Promise.allSettled([
        step.runMutation(write, { value: "a" }),
        step.runAction(act, { fails: "b" }),
        step.runAction(act, { ms: 1000, value: "c" }),
      ]);
      for (const [n, { status }] of parts.entries())
        if (status === "fulfilled")
          await step.runMutation(write, { value: `undo ${n}` });
      return parts.map(({ status }) => status);
    },
    returns: ["fulfilled", "rejected", "fulfilled"],
    writes: ["a", "undo 0", "undo 2"],
  },

  "what has not ended in time is aborted": {
    handler: async (step) => {
      const aborter = new Aborter();
      const work = [1, 2, 3].map((n) =>
        aborter.guard(step.runAction(act, { ms: n * 1000, value: n })),
      );
      const timeout = step.sleep(1500).then(() => aborter.abort());
      const results = await Promise.all(
        work.map((each) => each.catch(messageOf)),
      );
      await timeout;
      return results;
    },
    returns: [1, "Aborted", "Aborted"],
    differs: WAITS_FOR_ALL,
  },

  "a second request overtakes a slow first one": {
    handler: async (step) => {
      const first = step.runAction(act, { ms: 4000, value: "first" });
      const second = step
        .sleep(1000)
        .then(() => step.runAction(act, { ms: 500, value: "second" }));
      const winner: unknown = await Promise.race([first, second]);
      return await step.runMutation(write, { value: winner });
    },
    returns: "second",
    writes: ["second"],
    differs: WAITS_FOR_ALL,
  },

  "a heart beats while a job lasts": {
    handler: async (step) => {
      let isDone = false;
      let beats = 0;
      const job = step.runAction(act, { ms: 3500 }).finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await step.sleep(1000);
        beats++;
      }
      await job;
      return beats;
    },
    returns: 4,
    differs: WAITS_FOR_ALL,
  },

  "pages are read by a generator, which cleans up when the loop is left": {
    handler: async (step) => {
      async function* pages() {
        for (let page = 0; page < 4; page++)
          try {
            yield (await step.runQuery(read, {
              value: [page, page + 1],
            })) as number[];
          } finally {
            await step.runMutation(write, { value: `left ${page}` });
          }
      }
      const items: number[] = [];
      for await (const page of pages()) {
        items.push(...page);
        if (page[0] === 2) break;
      }
      return items;
    },
    returns: [0, 1, 1, 2, 2, 3],
    writes: ["left 0", "left 1", "left 2"],
  },

  "generators are chained into a pipeline": {
    handler: async (step) => {
      async function* numbers() {
        for (let n = 0; n < 5; n++)
          yield (await step.runQuery(read, { value: n })) as number;
      }
      async function* squares(of: AsyncIterable<number>) {
        for await (const n of of)
          yield (await step.runMutation(write, { value: n * n })) as number;
      }
      const even: number[] = [];
      for await (const n of squares(numbers())) if (n % 2 === 0) even.push(n);
      return even;
    },
    returns: [0, 4, 16],
    writes: [0, 1, 4, 9, 16],
  },

  "two consumers share what a producer sends": {
    handler: async (step) => {
      const channel = new Channel<number>();
      const received: number[] = [];
      const produce = async () => {
        for (let n = 0; n < 4; n++) {
          await step.sleep(10);
          channel.push(await step.runQuery(read, { value: n }));
        }
        channel.close();
      };
      const consume = async () => {
        for await (const n of channel)
          received.push(await step.runMutation(write, { value: n }));
      };
      await Promise.all([produce(), consume(), consume()]);
      return received.sort();
    },
    returns: [0, 1, 2, 3],
    writes: [0, 1, 2, 3],
  },

  "a generator of promises is driven from outside": {
    handler: async (step) => {
      function* body(): Generator<Promise<unknown>, unknown, any> {
        const one = yield step.runQuery(read, { value: 1 });
        const two = yield step.runMutation(write, { value: one + 1 });
        try {
          yield step.runMutation(fail, { message: "three" });
        } catch (error) {
          return [one, two, messageOf(error)];
        }
        return "not caught";
      }
      return await drive(body());
    },
    returns: [1, 2, "three"],
    writes: [2],
  },

  "loops with labels run their finally blocks": {
    handler: async (step) => {
      const passed: string[] = [];
      outer: for (let row = 0; row < 3; row++)
        for (let column = 0; column < 3; column++)
          try {
            const at = row * 3 + column;
            const found: number = await step.runQuery(read, { value: at });
            if (found === 1) continue outer;
            if (found === 5) break outer;
            passed.push(`${row}${column}`);
          } finally {
            await step.runMutation(write, { value: `${row}${column}` });
          }
      return passed;
    },
    returns: ["00", "10", "11"],
    writes: ["00", "01", "10", "11", "12"],
  },

  "lazy tasks run when they are awaited": {
    handler: async (step) => {
      const task = (value: number): Task<number> =>
        new Task(() => step.runAction(act, { value }));
      const chained = task(1)
        .map((n) => n + 1)
        .flatMap((n) => task(n * 10));
      const failing = new Task(() =>
        step.runMutation(fail, { message: "no" }),
      ).either();
      const both = Promise.all([task(5), task(6).map((n) => -n)]);
      return [await chained, await failing, ...(await both)];
    },
    returns: [20, { left: "no" }, 5, -6],
  },

  "a subclass of Promise is kept": {
    handler: async (step) => {
      const one = LabelledPromise.resolve<number>(
        step.runQuery(read, { value: 1 }),
      ) as LabelledPromise<number>;
      const two = one.then((n) => n + 1) as LabelledPromise<number>;
      const all = await LabelledPromise.all([
        one,
        two,
        step.runMutation(write, { value: 3 }),
      ]);
      return [...all, two.label, two instanceof LabelledPromise];
    },
    returns: [1, 2, 3, "labelled", true],
    writes: [3],
  },

  "a mutex lets one in at a time": {
    handler: async (step) => {
      const mutex = new Mutex();
      const log: string[] = [];
      const work = [3, 1, 2].map((n) =>
        mutex.run(async () => {
          log.push(`in ${n}`);
          await step.sleep(n * 10);
          await step.runMutation(write, { value: n });
          log.push(`out ${n}`);
        }),
      );
      await Promise.all(work);
      return log;
    },
    returns: ["in 3", "out 3", "in 1", "out 1", "in 2", "out 2"],
    writes: [3, 1, 2],
  },

  "a semaphore is released by those that fail": {
    handler: async (step) => {
      const semaphore = new Semaphore(2);
      let now = 0;
      let most = 0;
      const work = [1, 2, 3, 4, 5].map(async (n) => {
        await semaphore.acquire();
        most = Math.max(most, ++now);
        try {
          if (n === 3) throw new Error("three");
          return (await step.runAction(act, { ms: n, value: n })) as number;
        } catch (error) {
          return messageOf(error);
        } finally {
          now--;
          semaphore.release();
        }
      });
      return [await Promise.all(work), most];
    },
    returns: [[1, 2, "three", 4, 5], 2],
  },

  "a memoized step runs once for each key": {
    handler: async (step) => {
      const counted = memoized((key: string): Promise<number> =>
        step.runMutation(count, { key }),
      );
      const counts = await Promise.all(["a", "b", "a", "b", "a"].map(counted));
      return [...counts, await counted("a")];
    },
    returns: [1, 1, 1, 1, 1, 1],
  },

  "a poll waits longer each time": {
    handler: async (step) => {
      const delays: number[] = [];
      let delay = 100;
      while ((await step.runMutation(count, { key: "poll" })) < 6) {
        await step.sleep(delay);
        delays.push(delay);
        delay = Math.min(delay * 2, 1000);
      }
      return delays;
    },
    returns: [100, 200, 400, 800, 1000],
  },

  "a loop of its own retries an action": {
    handler: async (step) => {
      for (let tries = 0; ; tries++)
        try {
          return await step.runAction(flaky, { key: "k", failures: 3 });
        } catch (error) {
          await step.runMutation(write, { value: messageOf(error) });
          await step.sleep(2 ** tries * 100);
        }
    },
    returns: 4,
    writes: ["Attempt 1 of k", "Attempt 2 of k", "Attempt 3 of k"],
  },

  "a deadline is compared with the clock": {
    handler: async (step) => {
      const began = new Date();
      const deadline = began.getTime() + 10_000;
      let rounds = 0;
      for (; Date.now() < deadline; rounds++) await step.sleep(3000);
      return [rounds, new Date() > began];
    },
    returns: [4, true],
  },

  "a workflow calls itself": {
    handler: async (step, n: number): Promise<unknown> => {
      if (n < 2) return n;
      const title = "a workflow calls itself";
      const parts = await Promise.all(
        [n - 1, n - 2].map((input) =>
          step.runWorkflow(program, { title, input }),
        ),
      );
      return (parts[0] as number) + (parts[1] as number);
    },
    input: 4,
    returns: 3,
    calls: ["success"],
  },

  "a tree is walked, all branches at once": {
    handler: async (step) => {
      const visit = async (n: number): Promise<number> => {
        const children: number[] = await step.runQuery(read, {
          value: n < 3 ? [n + 1, n + 2] : [],
        });
        const sizes = await Promise.all(children.map(visit));
        return sizes.reduce((sum, size) => sum + size, 1);
      };
      return await visit(0);
    },
    returns: 9,
  },

  "a state machine is moved by events": {
    handler: async (step) => {
      const states: Record<string, () => Promise<string>> = {
        idle: async () => {
          await step.runMutation(write, { value: "start" });
          return "running";
        },
        running: async () => await step.awaitEvent({ name: "next" }),
        paused: async () => {
          await step.sleep(100);
          return "running";
        },
      };
      const path = ["idle"];
      while (path.at(-1) !== "done") path.push(await states[path.at(-1)!]!());
      return path;
    },
    meanwhile: [
      [1000, { send: "next", value: "paused" }],
      [2000, { send: "next", value: "done" }],
    ],
    returns: ["idle", "running", "paused", "running", "done"],
    writes: ["start"],
  },

  "three approve in any order, one of them early": {
    handler: async (step) => {
      await step.sleep(1000);
      const votes = new Map<string, unknown>();
      await Promise.all(
        ["a", "b", "c"].map(async (who) => {
          votes.set(who, await step.awaitEvent({ name: `vote of ${who}` }));
        }),
      );
      return Object.fromEntries([...votes].sort());
    },
    meanwhile: [
      [500, { send: "vote of b", value: true }],
      [2000, { send: "vote of c", value: false }],
      [3000, { send: "vote of a", value: true }],
    ],
    returns: { a: true, b: true, c: false },
  },

  "parallel actions finish after a cancel, and nothing follows": {
    handler: async (step) => {
      const work = [1, 2, 3].map(async (n) => {
        await step.runAction(act, { ms: n * 1000 });
        await step.runMutation(write, { value: n });
      });
      await Promise.allSettled(work);
      await step.runMutation(write, { value: "all" });
    },
    meanwhile: [[1500, "cancel"]],
    ends: { type: "canceled" },
    writes: [1],
    differs: WAITS_FOR_ALL,
  },

  "onComplete restarts a run until it is content": {
    handler: async (step) => {
      const count_: number = await step.runMutation(count, { key: "restarts" });
      return await step.runMutation(write, { value: count_ });
    },
    onComplete: (result) =>
      result.kind === "success" && (result.returnValue as number) < 3
        ? { restartFrom: 0 }
        : undefined,
    returns: 3,
    writes: [1, 2, 3],
    calls: ["success", "success", "success"],
  },

  "a restart from a step by name repeats it and what follows": {
    handler: async (step) => {
      await step.runMutation(write, { value: "before" });
      await step.runAction(flaky, { key: "restart", failures: 1 });
      return await step.runMutation(write, { value: "after" });
    },
    meanwhile: [[60_000, { restartFrom: "functions:flaky" }]],
    returns: "after",
    writes: ["before", "after"],
    calls: ["failed", "success"],
  },

  "values of all kinds come back as they are": {
    handler: async (step, input) => {
      const stored = await step.runMutation(write, { value: input });
      const again = await step.runAction(act, {
        value: { ...stored, left: undefined },
      });
      return [
        again.big * 2n === 18014398509481986n,
        [...new Uint8Array(again.bytes)],
        again.numbers.map((n: number) => (Object.is(n, -0) ? "-0" : `${n}`)),
        Object.keys(again).sort(),
      ];
    },
    input: {
      big: 9007199254740993n,
      bytes: new Uint8Array([1, 2, 3]).buffer,
      nested: { empty: null, list: [] },
      numbers: [NaN, -0, Infinity, 0.1],
    },
    returns: [
      true,
      [1, 2, 3],
      ["NaN", "-0", "Infinity", "0.1"],
      ["big", "bytes", "nested", "numbers"],
    ],
    writes: [
      {
        big: 9007199254740993n,
        bytes: new Uint8Array([1, 2, 3]).buffer,
        nested: { empty: null, list: [] },
        numbers: [NaN, -0, Infinity, 0.1],
      },
    ],
  },

  "arguments and results are changed in place": {
    handler: async (step, input) => {
      input.list.sort();
      input.deep.inner.push(2);
      const first = await step.runQuery(read, { value: input });
      first.list.unshift(9);
      input.list = first.list;
      first.deep = null;
      const promise = step.runAction(act, { value: input });
      const second = await promise;
      await step.sleep(5);
      second.deep.inner.splice(0);
      await step.runMutation(write, { value: input.list });
      return [input, second, (await promise) === second];
    },
    input: { list: [3, 1, 2], deep: { inner: [1] } },
    returns: [
      { list: [9, 1, 2, 3], deep: { inner: [1, 2] } },
      { list: [9, 1, 2, 3], deep: { inner: [] } },
      true,
    ],
    writes: [[9, 1, 2, 3]],
  },

  "a handler uses what the language and the platform have": {
    handler: async (step) => {
      const copy = structuredClone({
        set: new Set([1, 2]),
        map: new Map([["day", new Date(0)]]),
      });
      const url = new URL("/path?one=1#part", "https://example.com");
      url.searchParams.append("two", "ü");
      const bytes = new TextEncoder().encode("héllo");
      const first = Math.random();
      await step.runMutation(write, { value: url.href });
      const { id } = await step.runQuery(read, { value: { id: first } });
      return [
        copy.set.has(2),
        copy.map.get("day")!.getTime(),
        new TextDecoder().decode(bytes),
        atob(btoa("text")),
        new Intl.NumberFormat("en").format(1234.5),
        id === first && first !== Math.random(),
      ];
    },
    returns: [true, 0, "héllo", "text", "1,234.5", true],
    writes: ["https://example.com/path?one=1&two=%C3%BC#part"],
  },

  "a class holds the context in a private field, behind a proxy": {
    handler: async (step) => {
      const called: string[] = [];
      const traced = new Proxy(step, {
        get: (target, name: keyof WorkflowCtx) => {
          called.push(name);
          return Reflect.get(target, name) as unknown;
        },
      });
      class Store {
        readonly #step: WorkflowCtx;
        constructor(step: WorkflowCtx) {
          this.#step = step;
        }
        get = async (value: number) =>
          (await this.#step.runQuery(read, { value })) as number;
        save(value: number): Promise<number> {
          return this.#step.runMutation(write, { value });
        }
      }
      const store = new Store(traced);
      const { get } = store;
      return [await store.save((await get(1)) + 1), called];
    },
    returns: [2, ["runQuery", "runMutation"]],
    writes: [2],
  },

  "an error of its own class ends the run with its message": {
    handler: async (step) => {
      class Refused extends Error {
        override name = "RefusedError";
      }
      try {
        await step.runMutation(fail, { message: "inner" });
      } catch (cause) {
        throw new Refused(`refused: ${messageOf(cause)}`, { cause });
      } finally {
        await step.runMutation(write, { value: "finally" });
      }
    },
    ends: { type: "failed", error: "refused: inner" },
    writes: ["finally"],
  },

  "functions that the app no longer has fail their steps, and others do the work":
    {
      handler: async (step) => {
        const { query, mutation, action, workflow } = api.missing;
        const failures = await Promise.allSettled([
          step.runQuery(query, {}),
          step.runMutation(mutation, {}),
          step.runAction(action, {}, { retry: true }),
          step.runWorkflow(workflow as never, {} as never),
          step.runQuery(query, {}, { inline: true }),
        ]);
        await step.runMutation(write, { value: "alone" });
        const alone = await step
          .runMutation(mutation, {})
          .catch(() => "caught");
        return [failures.map(({ status }) => status), alone];
      },
      returns: [Array.from({ length: 5 }, () => "rejected"), "caught"],
      writes: ["alone"],
    },
};
