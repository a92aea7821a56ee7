import { describe, expect, test } from "vitest";
import { internal } from "../component/_generated/api.js";
import type { Handler } from "../testing/app/scripts.js";
import {
  drain,
  inComponent,
  journal,
  newBackend,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../testing/harness.js";

// `utils:updateConfig` goes for runs in flight too: from the next step on.

useBackend();

const switchTo = (t: Backend, execution: "driver" | "pool") =>
  inComponent(t, (ctx) =>
    ctx.runMutation(internal.utils.updateConfig, { execution }),
  );

/** Each kind of step follows each. */
const KINDS = [
  ...["action", "mutation", "query", "action", "action"],
  ...["query", "mutation", "mutation", "query", "query"],
] as const;

const chain: Handler = async (step) => {
  const found: unknown[] = [];
  for (const [at, kind] of KINDS.entries()) {
    const call = { name: "work", input: at };
    if (kind === "action") found.push(await step.runAction(steps.action, call));
    else if (kind === "query")
      found.push(await step.runQuery(steps.query, call));
    else found.push(await step.runMutation(steps.mutation, call));
  }
  return found;
};

async function modes(t: Backend, workflowId: string) {
  return (await journal(t, workflowId)).map(({ drivenBy, step }) => {
    const inPool = "functionType" in step && step.workId !== undefined;
    if (inPool === (drivenBy !== undefined)) return "neither or both";
    return inPool ? "pool" : "driver";
  });
}

const everyStep = KINDS.map((_kind, at) => at);

describe.each([
  ["driver", "pool"],
  ["pool", "driver"],
] as const)("a switch", (from, to) => {
  const title = `from ${from} to ${to} while step %i runs`;
  test.each(everyStep)(title, async (switchedAt) => {
    const t = newBackend({ execution: from });
    const executed: number[] = [];
    let switching: Promise<unknown> = Promise.resolve();
    const work = (at: number) => {
      executed.push(at);
      // Waits in line until the transaction that the step runs in is over.
      if (at === switchedAt) switching = switchTo(t, to);
      return at;
    };
    script("mutation", "work", (_ctx, at: number) => work(at));
    script("query", "work", (_ctx, at: number) => work(at));
    script("action", "work", async (_ctx, at: number) => {
      const result = work(at);
      await switching;
      return result;
    });
    const workflowId = await startHandler(t, chain);
    await drain();
    await switching;
    expect(await statusOf(t, workflowId)).toEqual({
      type: "completed",
      result: everyStep,
    });
    expect(executed).toEqual(everyStep);
    const found = await modes(t, workflowId);
    const action = KINDS[switchedAt] === "action";
    // The transaction of a mutation or query may have started the next step already.
    const sure = switchedAt + (action ? 1 : 2);
    expect(found.slice(0, switchedAt + 1)).toEqual(
      found.slice(0, switchedAt + 1).map(() => from),
    );
    expect(found.slice(sure)).toEqual(found.slice(sure).map(() => to));
  });
});
