import { describe, expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  drain,
  effects,
  journal,
  newBackend,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { send } from "../../testing/events.js";
import { listenToConsole } from "../../testing/managing.js";
import type { WorkflowCtx } from "../../client/index.js";
import { MINUTE } from "../../testing/units.js";

useBackend();
listenToConsole();

/** Starts a run and counts its turns, which each execute the handler once. */
async function startCounting(t: Backend, handler: Handler) {
  const counted = { turns: 0 };
  const counting: Handler = async (step, input) => {
    counted.turns++;
    return await handler(step, input);
  };
  const id = await startHandler(t, counting);
  return { id, counted };
}

const echo = (step: WorkflowCtx, value: unknown, minutes = 0) =>
  step.runMutation(steps.echo, { value }, { runAfter: minutes * MINUTE });
const fail = (step: WorkflowCtx, message: string, minutes = 0) =>
  step.runMutation(steps.fail, { message }, { runAfter: minutes * MINUTE });

const many = [5, 1, 4, 2, 3];
/** Runs steps that end after 5, 1, 4, 2 and 3 minutes. Some of them fail. */
const eachOf = (step: WorkflowCtx, fails = (_n: number) => false) =>
  many.map((n) => (fails(n) ? fail(step, `${n}`, n) : echo(step, n, n)));
const messageOf = (error: Error) => error.message;

const R = "rejected";
const F = "fulfilled";

const turns: [string, Handler, { result: unknown; turns: number }][] = [
  [
    "Promise.all takes one turn, when the last result is in",
    (step) => Promise.all(eachOf(step)),
    { result: many, turns: 2 },
  ],
  [
    "Promise.allSettled takes one turn, when the last result is in, failures too",
    async (step) => {
      const settled = await Promise.allSettled(eachOf(step, (n) => n % 2 > 0));
      return settled.map(({ status }) => status);
    },
    { result: [R, R, F, F, R], turns: 2 },
  ],
  [
    "Promise.any takes one turn, at the first success",
    async (step) => {
      const first = await Promise.any(eachOf(step, (n) => n < 3));
      await step.sleep(10 * MINUTE);
      return first;
    },
    { result: 3, turns: 3 },
  ],
  [
    "Promise.any takes one turn, when the last has failed",
    async (step) => {
      try {
        return await Promise.any(eachOf(step, () => true));
      } catch (error) {
        return (error as AggregateError).errors.map(messageOf);
      }
    },
    { result: many.map(String), turns: 2 },
  ],
  [
    "Promise.race continues at the first result, and later ones cost no turn",
    async (step) => {
      const first = await Promise.race(eachOf(step));
      await step.sleep(10 * MINUTE);
      return first;
    },
    { result: 1, turns: 3 },
  ],
  [
    "combinators in a chain take one turn each",
    async (step) => {
      for (let round = 0; round < 3; round++) await Promise.all(eachOf(step));
    },
    { result: null, turns: 4 },
  ],
  [
    "of two combinators at a time, each wakes for its own members",
    async (step) => {
      const shown: string[] = [];
      const both = (a: number, b: number, name: string) =>
        Promise.all([echo(step, a, a), echo(step, b, b)]).then(() =>
          shown.push(name),
        );
      await Promise.all([both(1, 2, "early"), both(3, 4, "late")]);
      return shown;
    },
    { result: ["early", "late"], turns: 3 },
  ],
  [
    "steps that are not awaited don't wake the handler, nor fail the run when they fail",
    async (step) => {
      for (const n of [1, 2, 3]) void echo(step, n, n);
      void fail(step, "unheard");
      await step.sleep(10 * MINUTE);
      return "done";
    },
    { result: "done", turns: 2 },
  ],
  [
    "steps can be awaited after they have completed or failed",
    async (step) => {
      const early = echo(step, "early");
      const failing = fail(step, "failed early");
      await step.sleep(MINUTE);
      return [await early, await failing.catch(messageOf)];
    },
    { result: ["early", "failed early"], turns: 2 },
  ],
];

test.each(turns)("%s", async (_title, handler, expected) => {
  const t = newBackend();
  const { id, counted } = await startCounting(t, handler);
  await drain();
  expect(await statusOf(t, id)).toEqual(completed(expected.result));
  expect(counted.turns).toBe(expected.turns);
});

describe("Promise.all over steps takes one turn", () => {
  test("when the first step fails, and the others continue", async () => {
    const t = newBackend();
    const { id, counted } = await startCounting(t, (step) =>
      Promise.all([...eachOf(step), fail(step, "at once")]),
    );
    await advance(MINUTE / 2);
    expect(await statusOf(t, id)).toEqual(failed("at once"));
    expect(counted.turns).toBe(2);
    await drain();
    expect(await effects(t)).toEqual([1, 2, 3, 4, 5]);
    expect(counted.turns).toBe(2);
  });

  test("over steps of every kind", async () => {
    const t = newBackend();
    script("handler", "child", async () => "child");
    const { id, counted } = await startCounting(t, (step) =>
      Promise.all([
        step.runQuery(steps.echoQuery, { value: 1 }),
        echo(step, 2, 1),
        step.runAction(steps.echoAction, { value: 3 }),
        step.sleep(MINUTE),
        step.awaitEvent({ name: "news" }),
        step.runWorkflow(workflows.workflow, { handler: "child" }),
        step.runWorkflow(workflows.workflow, { handler: "child" }),
      ]).then((all) => all.length),
    );
    await drain();
    expect(counted.turns).toBe(1);
    await send(t, { workflowId: id, name: "news" });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(7));
    expect(counted.turns).toBe(2);
  });
});

test("1,100 steps start at the same time, within the limits of every transaction", async () => {
  const count = 1100;
  const t = newBackend({ transactionLimits: true });
  const id = await startHandler(t, (step) =>
    Promise.all(Array.from({ length: count }, () => step.sleep(MINUTE))),
  );
  await advance(1000);
  expect(await journal(t, id)).toHaveLength(count);
});
