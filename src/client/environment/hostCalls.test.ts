import { createFunctionHandle, type FunctionReference } from "convex/server";
import { describe, expect, test, vi } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import { asWrittenBy04 } from "../../testing/events.js";
import {
  drain,
  effects,
  newBackend,
  runHandler,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import type { WorkflowCtx } from "../index.js";

// Handlers that call the host themselves, in convex-test. For bundles, see tools/local-backend/handlers.test.ts.

useBackend();

const handle = () => createFunctionHandle(steps.echo as MutationReference);
type MutationReference = FunctionReference<"mutation", "internal">;

interface WithMeta {
  meta: { getFunctionMetadata(): Promise<{ name: string }> };
}
const metadata = (step: WorkflowCtx) =>
  (step as unknown as WithMeta).meta.getFunctionMetadata();

const echo = (step: WorkflowCtx, value: unknown) =>
  step.runMutation(steps.echo, { value });

const calls: [string, (step: WorkflowCtx) => Promise<unknown>][] = [
  ["createFunctionHandle", handle],
  ["getFunctionMetadata", metadata],
  ["getFunctionMetadata of withOptions", (s) => metadata(s.withOptions({}))],
  ["one after another", () => handle().then(handle).then(handle)],
  ["several at once", () => Promise.all([handle(), handle().then(handle)])],
];

/** Makes host calls before, between and during steps, and returns the globals that the handler sees after each. */
const calling =
  (call: (step: WorkflowCtx) => Promise<unknown>): Handler =>
  async (step) => {
    const seen: unknown[] = [];
    const see = async () => {
      await call(step);
      seen.push(typeof process, Date.now());
    };
    await see();
    await echo(step, 1);
    await see();
    await Promise.all([step.sleep(60_000), see().then(() => echo(step, 2))]);
    await see();
    await echo(step, seen);
    return seen.length;
  };

describe("a handler that calls the host", () => {
  test.each(calls)(
    "by %s continues and is replayed, also under the rules of 0.4",
    async (_name, call) => {
      for (const isLegacy of [false, true]) {
        const t = newBackend();
        const workflowId = await startHandler(t, calling(call), {
          startAsync: true,
        });
        if (isLegacy) await asWrittenBy04(t);
        await drain();
        expect(await statusOf(t, workflowId)).toEqual(completed(8));
        const [, , seen] = (await effects(t)) as [1, 2, unknown[]];
        expect(seen.filter((each) => typeof each === "string")).toEqual(
          Array(4).fill("undefined"),
        );
      }
    },
  );

  test("may await a long call that fails", async () => {
    const answered = vi.fn();
    const { status } = await runHandler(newBackend(), async (step) => {
      await echo(step, 1);
      const { Convex: convex } = globalThis as unknown as ConvexGlobal;
      await convex.asyncSyscall("1.0/unknown", "{}").catch(answered);
      return await echo(step, 2);
    });
    expect(answered).toHaveBeenCalled();
    expect(status).toEqual(completed(2));
  });
});

interface ConvexGlobal {
  Convex: { asyncSyscall(name: string, args: string): Promise<string> };
}
