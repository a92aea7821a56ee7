import { afterEach, describe, expect, test, vi } from "vitest";
import { createEnvironment } from "../environment.js";
import { HostCalls } from "../hostCalls.js";
import { createQuiesce, settle } from "../quiesce.js";
import { busyHandlers, notWaitedFor } from "./busyHandlers.js";

const { setImmediate, setTimeout } = globalThis;
const nextTick = process.nextTick.bind(process);

/** For runtimes with Node's event loop, where `quiesce` never calls the host. */
export function quiesceSuite(): void {
  const hostCall = vi.fn(() => Promise.reject(new Error("not asked")));
  const quiesce = createQuiesce(hostCall);

  afterEach(() => {
    vi.useRealTimers();
    expect(hostCall).not.toHaveBeenCalled();
  });

  const callFrom = (from: (callback: () => void) => void) =>
    new Promise<string[]>((resolve) =>
      from(() => void notWaitedFor(quiesce).then(resolve)),
    );
  const scenes: Record<string, () => Promise<string[]>> = {
    "by a handler's caller": () => notWaitedFor(quiesce),
    "from a microtask": () =>
      callFrom((callback) => void Promise.resolve().then(callback)),
    "from a tick": () => callFrom(nextTick),
    "from a tick within a tick": () =>
      callFrom((callback) =>
        nextTick(() => nextTick(() => nextTick(callback))),
      ),
    "from a tick with more ticks behind it": () =>
      callFrom((callback) => {
        nextTick(callback);
        for (let i = 0; i < 10; i++) nextTick(() => {});
      }),
    "from a tick that a microtask requested": () =>
      callFrom(
        (callback) => void Promise.resolve().then(() => nextTick(callback)),
      ),
    "from an immediate": () => callFrom(setImmediate),
    "from a timer": () => callFrom((callback) => void setTimeout(callback, 1)),
    "from a message": () =>
      callFrom((callback) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          callback();
        };
        port2.postMessage(null);
      }),
    "several times at once": async () => {
      const calls = Array.from({ length: 10 }, () => notWaitedFor(quiesce));
      return (await Promise.all(calls)).flat();
    },
    "under fake timers": () => {
      vi.useFakeTimers();
      return notWaitedFor(quiesce);
    },
    "under fake timers, ticks and microtasks": () => {
      vi.useFakeTimers({
        toFake: ["nextTick", "queueMicrotask", "setImmediate", "setTimeout"],
      });
      return notWaitedFor(quiesce);
    },
    "while a handler's environment is entered": async () => {
      const source = { now: () => 0, isLive: () => true, runId: "run" };
      const environment = createEnvironment(source);
      await settle!();
      environment.enter();
      const seen = typeof process;
      const missed = await notWaitedFor(quiesce);
      environment.leave();
      return seen === "undefined" ? missed : [`process is ${seen}`];
    },
  };

  test.each(Object.entries(scenes))(
    "quiesce waits for every handler if called %s",
    async (_of, notWaited) => {
      expect(await notWaited()).toEqual([]);
    },
  );

  test.each([
    ["an immediate", (callback: () => void) => void setImmediate(callback)],
    ["a timer", (callback: () => void) => void setTimeout(callback)],
  ])("what follows it in %s runs before other macrotasks", async (_n, from) => {
    const order: string[] = [];
    const happened = (name: string) =>
      new Promise<void>((resolve) =>
        from(() => {
          order.push(name);
          resolve();
        }),
      );
    await new Promise<void>(from);
    const others = [happened("first"), happened("second")];
    busyHandlers["awaits 10,000 times"]!(() => order.push("blocked"));
    await quiesce();
    order.push("continued");
    await Promise.all(others);
    expect(order).toEqual(["blocked", "continued", "first", "second"]);
  });

  describe("a handler", () => {
    test("may resume and block again 2,000 times", async () => {
      const steps: number[] = [];
      let answer = () => {};
      void (async () => {
        for (let i = 0; i < 2000; i++) {
          await new Promise<void>((resolve) => (answer = resolve));
          for (let hops = 0; hops < i % 7; hops++) await Promise.resolve();
          steps.push(i);
        }
      })();
      for (let i = 0; i < 2000; i++) {
        answer();
        await quiesce();
        expect(steps).toHaveLength(i + 1);
      }
    });

    test("may make several host calls in a row that take macrotasks", async () => {
      const calls = new HostCalls();
      let done = false;
      void (async () => {
        for (let n = 0; n < 3; n++) {
          const reply = new Promise((resolve) => setImmediate(resolve));
          calls.track(reply);
          await reply;
          for (let hops = 0; hops < 20; hops++) await Promise.resolve();
        }
        done = true;
      })();
      await createQuiesce(hostCall, calls)();
      expect(done).toBe(true);
    });

    test("is entered only after pending ticks have run, so they still see `process`", async () => {
      const seen: string[] = [];
      nextTick(() => seen.push(typeof process));
      await settle!();
      expect(seen).toEqual(["object"]);
    });
  });
}
