import { afterEach, describe, expect, test, vi } from "vitest";
import { createEnvironment } from "../environment.js";
import { HostCalls } from "../hostCalls.js";
import { createQuiesce, findAfterMicrotasks, settle } from "../quiesce.js";
import { busyHandlers, notWaitedFor } from "./busyHandlers.js";

const { setImmediate, setTimeout } = globalThis;
const nextTick = process.nextTick.bind(process);

/** Where an event loop is Node's: the host is never asked. */
export function quiesceSuite(): void {
  const hostCall = vi.fn(() => Promise.reject(new Error("not asked")));
  const quiesce = createQuiesce(hostCall);

  afterEach(() => {
    vi.useRealTimers();
    expect(hostCall).not.toHaveBeenCalled();
  });

  test.each(Object.entries(busyHandlers))(
    "a handler %s",
    async (_name, run) => {
      let done = false;
      run(() => (done = true));
      expect(done).toBe(false);
      await quiesce();
      expect(done).toBe(true);
    },
  );

  describe("called from", () => {
    const places: Record<string, (callback: () => void) => void> = {
      "a microtask": (callback) => void Promise.resolve().then(callback),
      "a tick": (callback) => nextTick(callback),
      "a tick within a tick": (callback) =>
        nextTick(() => nextTick(() => nextTick(callback))),
      "a tick with ticks after it": (callback) => {
        nextTick(callback);
        for (let i = 0; i < 10; i++) nextTick(() => {});
      },
      "a tick asked for by a microtask": (callback) =>
        void Promise.resolve().then(() => nextTick(callback)),
      "an immediate": (callback) => void setImmediate(callback),
      "a timer": (callback) => void setTimeout(callback, 1),
      "a message": (callback) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          callback();
        };
        port2.postMessage(null);
      },
    };
    test.each(Object.entries(places))("%s", async (_name, from) => {
      const missed = await new Promise((resolve) =>
        from(() => resolve(notWaitedFor(quiesce))),
      );
      expect(missed).toEqual([]);
    });
  });

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

  test("a handler that is let go on and blocks again, often", async () => {
    const steps: number[] = [];
    let answer = () => {};
    void (async () => {
      for (let i = 0; i < 2000; i++) {
        await new Promise<void>((resolve) => (answer = resolve));
        for (let hops = 0; hops < i % 7; hops++) await Promise.resolve();
        steps.push(i);
      }
    })();
    const start = performance.now();
    for (let i = 0; i < 2000; i++) {
      answer();
      await quiesce();
      expect(steps).toHaveLength(i + 1);
    }
    expect(performance.now() - start).toBeLessThan(2000);
  });

  test("several at once", async () => {
    const missed = await Promise.all(
      Array.from({ length: 10 }, () => notWaitedFor(quiesce)),
    );
    expect(missed.flat()).toEqual([]);
  });

  test("under fake timers, even with fake ticks and microtasks", async () => {
    vi.useFakeTimers();
    expect(await notWaitedFor(quiesce)).toEqual([]);
    vi.useRealTimers();
    vi.useFakeTimers({
      toFake: ["nextTick", "queueMicrotask", "setImmediate", "setTimeout"],
    });
    expect(await notWaitedFor(quiesce)).toEqual([]);
  });

  test("while a handler's environment is entered", async () => {
    const environment = createEnvironment({
      now: () => 0,
      isLive: () => true,
      runId: "run",
    });
    await settle!();
    environment.enter();
    const seen = typeof process;
    const missed = await notWaitedFor(quiesce);
    environment.leave();
    expect(seen).toBe("undefined");
    expect(missed).toEqual([]);
  });

  test("a handler whose host calls take macrotasks, one after another", async () => {
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

  test("a tick that is due finds `process` before a handler is entered", async () => {
    const seen: string[] = [];
    nextTick(() => seen.push(typeof process));
    await settle!();
    expect(seen).toEqual(["object"]);
  });

  describe("without process.nextTick", () => {
    test.each(["setImmediate", "MessageChannel"])("%s does", async (name) => {
      const after = findAfterMicrotasks({
        process: {},
        [name]: Reflect.get(globalThis, name) as unknown,
      })!;
      const missed = await notWaitedFor(() => new Promise(after));
      expect(missed).toEqual([]);
    });

    test("nor these, the host does", () => {
      expect(findAfterMicrotasks({})).toBe(undefined);
      expect(findAfterMicrotasks({ process: {} })).toBe(undefined);
    });
  });
}
