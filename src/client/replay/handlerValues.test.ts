import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import { asWrittenBy04 } from "../../testing/events.js";
import {
  drain,
  journal,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { listenToConsole } from "../../testing/managing.js";
import type { WorkflowCtx } from "../index.js";

// A handler gets copies of all values, so it may change them without changing the journal.

useBackend();
listenToConsole();

const bytes = () => new Uint8Array([1, 2, 3]).buffer;
const given = () => ({ list: [3, 1, 2], inner: { open: true }, raw: bytes() });
type Given = ReturnType<typeof given>;

/** Changes a value in place, as ordinary code may. */
function change(value: Given) {
  value.list.sort();
  value.list.push(99);
  delete (value as Partial<Given>).inner;
  new Uint8Array(value.raw)[0] = 77;
  Object.assign(value, { list2: value.list });
}

const resultsOf = async (
  t: ReturnType<typeof newBackend>,
  workflowId: string,
) => (await journal(t, workflowId)).map(({ step }) => step.runResult);

const success = (returnValue: unknown) => ({ kind: "success", returnValue });

const echo = {
  query: (step: WorkflowCtx) =>
    step.runQuery(steps.echoQuery, { value: given() }),
  mutation: (step: WorkflowCtx) =>
    step.runMutation(steps.echo, { value: given() }),
  action: (step: WorkflowCtx) =>
    step.runAction(steps.echoAction, { value: given() }),
  "query inline": (step: WorkflowCtx) =>
    step.runQuery(steps.echoQuery, { value: given() }, { inline: true }),
  "mutation inline": (step: WorkflowCtx) =>
    step.runMutation(steps.echo, { value: given() }, { inline: true }),
};

describe.each(["driver", "pool"] as const)(
  "executed by the %s",
  (execution) => {
    test.each(Object.entries(echo))(
      "a handler may change the result of a %s in place: the journal keeps what the step returned",
      async (_kind, run) => {
        const t = newBackend({ execution });
        const { status, workflowId } = await runHandler(t, async (step) => {
          const value = (await run(step)) as Given;
          change(value);
          const seen = { list: value.list };
          await step.runMutation(steps.echo, { value: seen });
          await step.runMutation(steps.echo, { value: seen });
          return seen;
        });
        const seen = { list: [1, 2, 3, 99] };
        expect(status).toEqual(completed(seen));
        expect(await resultsOf(t, workflowId)).toEqual([
          success(given()),
          success(seen),
          success(seen),
        ]);
      },
    );

    test("a handler may change an error's data, and the journal keeps the thrown data", async () => {
      const t = newBackend({ execution });
      script("mutation", "refuse", () => {
        throw new ConvexError({ codes: [1] });
      });
      const { status, workflowId } = await runHandler(t, async (step) => {
        try {
          await step.runMutation(steps.mutation, { name: "refuse" });
        } catch (error) {
          const { data } = error as ConvexError<{ codes: number[] }>;
          data.codes.push(2);
          await step.runMutation(steps.echo, { value: data });
          await step.runMutation(steps.echo, { value: data.codes.length });
          return data;
        }
      });
      expect(status).toEqual(completed({ codes: [1, 2] }));
      const [refused] = await journal(t, workflowId);
      expect(refused!.failure).toEqual({
        name: "ConvexError",
        data: { codes: [1] },
      });
    });
  },
);

describe("a run that 0.4 began", () => {
  test.each<[string, Handler]>([
    [
      "its arguments",
      async (step, queue: number[]) => {
        const done: unknown[] = [];
        while (queue.length > 0)
          done.push(await echoInline(step, queue.shift()!));
        return done;
      },
    ],
    [
      "a result",
      async (step, queue: number[]) => {
        const list = (await echoInline(step, queue)) as number[];
        const done: unknown[] = [];
        while (list.length > 0)
          done.push(await echoInline(step, list.shift()!));
        return done;
      },
    ],
  ])(
    "may change %s in place, though one turn executes its handler several times",
    async (_what, handler) => {
      const t = newBackend();
      const workflowId = await startHandler(t, handler, {
        input: [1, 2, 3],
        startAsync: true,
      });
      await asWrittenBy04(t);
      await drain();
      expect(await statusOf(t, workflowId)).toEqual(completed([1, 2, 3]));
    },
  );
});

const echoInline = (step: WorkflowCtx, value: unknown) =>
  step.runMutation(steps.echo, { value }, { inline: true });
