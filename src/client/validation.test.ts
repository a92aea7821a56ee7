import { describe, expect, test } from "vitest";
import { internal } from "../testing/app/_generated/api.js";
import {
  effects,
  newBackend,
  runHandler,
  script,
  steps,
  useBackend,
  type Backend,
} from "../testing/harness.js";
import { call, callAndDrain, expectRefused } from "../testing/directCalls.js";
import { completed } from "../testing/statuses.js";
import { listenToConsole } from "../testing/managing.js";
import { start } from "./index.js";

useBackend();
listenToConsole();

const { definitions } = internal;
const main = { handler: "main" };

/** Inserts a row of a table, and a row of another table. */
async function twoIds(t: Backend) {
  return await t.run(async (ctx) => ({
    right: await ctx.db.insert("effects", { key: "owner", value: 1 }),
    wrong: await ctx.db.insert("ended", {
      workflowId: "",
      result: 1,
      context: 1,
    }),
  }));
}

describe("arguments", () => {
  test.each<[string, (ids: { right: string; wrong: string }) => object]>([
    ["of another type", ({ right }) => ({ owner: right, count: "three" })],
    ["missing", () => ({ count: 3 })],
    ["too many", ({ right }) => ({ owner: right, more: 1 })],
    ["an id of another table", ({ wrong }) => ({ owner: wrong })],
    ["a text that is no id", () => ({ owner: "someone" })],
  ])("%s are refused at the call, and no run starts", async (_what, of) => {
    const t = newBackend();
    const args = of(await twoIds(t));
    await expectRefused(t, /Validator|Expected|Invalid/i, () =>
      call(t, definitions.takesId, { args }),
    );
    for (const startAsync of [false, true])
      await expectRefused(t, /Validator|Expected|Invalid/i, () =>
        t.mutation((ctx) =>
          start(ctx, definitions.takesId, args as never, { startAsync }),
        ),
      );
  });

  test("of a nested workflow, an id of another table fails its step with an error that names it and can be caught", async () => {
    const t = newBackend();
    const { wrong } = await twoIds(t);
    const { status } = await runHandler(t, async (step) => {
      try {
        await step.runWorkflow(definitions.takesId, { owner: wrong } as never);
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(status).toMatchObject({
      result: expect.stringMatching(
        /Invalid arguments for workflow "definitions:takesId": ./,
      ) as string,
    });
  });

  test("of a nested workflow reach its handler unchanged", async () => {
    const t = newBackend();
    const { right } = await twoIds(t);
    const args = { owner: right, count: 3 };
    const { status } = await runHandler(t, (step) =>
      step.runWorkflow(definitions.takesId, args),
    );
    expect(status).toEqual(completed(args));
  });
});

describe("the return value", () => {
  async function returning(
    value: unknown,
    workflow: keyof typeof definitions,
    t = newBackend(),
  ) {
    script("handler", "main", async () => value);
    return await callAndDrain(t, definitions[workflow], { args: main });
  }
  const invalid = {
    type: "failed",
    error: expect.stringMatching(/^Invalid return value: ./) as string,
  };

  test("that matches `returns` is the run's result", async () => {
    expect(await returning({ count: 3 }, "returnsObject")).toEqual(
      completed({ count: 3 }),
    );
  });

  test.each<[string, unknown]>([
    ["of another type", "three"],
    ["with a field of another type", { count: "three" }],
    ["with a field too many", { count: 3, more: 1 }],
    ["missing", undefined],
  ])("%s fails the run", async (_what, value) => {
    expect(await returning(value, "returnsObject")).toEqual(invalid);
  });

  test("is null if the handler returns nothing, with or without `returns`", async () => {
    const nothing = { type: "completed", result: null };
    expect(await returning(undefined, "returnsNull")).toEqual(nothing);
    expect(await returning(undefined, "unvalidated")).toEqual(nothing);
    expect(await returning(1, "returnsNull")).toEqual(invalid);
  });

  test("must belong to the right table if it is an id", async () => {
    const t = newBackend();
    const { right, wrong } = await twoIds(t);
    expect(await returning(right, "returnsId", t)).toMatchObject({
      result: right,
    });
    expect(await returning(wrong, "returnsId", t)).toEqual(invalid);
  });

  test("of a nested workflow is its step's result, and an invalid one fails the step", async () => {
    script("handler", "main", async (_step, input) => input as unknown);
    script("handler", "parent", async (step) => [
      await step.runWorkflow(definitions.returnsObject, {
        ...main,
        input: { count: 1 },
      }),
      await step
        .runWorkflow(definitions.returnsObject, { ...main, input: "one" })
        .catch((error: Error) => error.message),
      await step.runWorkflow(definitions.returnsNull, main),
    ]);
    const status = await callAndDrain(newBackend(), definitions.unvalidated, {
      args: { handler: "parent" },
    });
    expect(status).toEqual(
      completed([
        { count: 1 },
        expect.stringMatching(/^Invalid return value: ./),
        null,
      ]),
    );
  });
});

test("effects of steps stay even if the handler's return value is invalid", async () => {
  const t = newBackend();
  script("handler", "main", async (step) => {
    await step.runMutation(steps.echo, { value: "done" }, { inline: true });
  });
  const status = await callAndDrain(t, definitions.byFunction, { args: main });
  expect(status).toMatchObject({ type: "failed" });
  expect(await effects(t)).toEqual(["done"]);
});
