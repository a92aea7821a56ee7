import { expect, test } from "vitest";
import { newBackend, runHandler, steps, useBackend } from "./harness.js";

useBackend();

test("steps of every kind run in the order in which they are asked for", async () => {
  const t = newBackend();
  const { status } = await runHandler(t, async (step) => {
    const a = await step.runMutation(steps.echo, { value: 1 });
    const b = await step.runQuery(steps.echoQuery, { value: 2 });
    const c = await step.runAction(steps.echoAction, { value: 3 });
    await step.sleep(1000);
    const d = await step.runMutation(
      steps.echo,
      { value: 4 },
      { inline: true },
    );
    const [e, f] = await Promise.all([
      step.runMutation(steps.echo, { value: 5 }),
      step.runAction(steps.echoAction, { value: 6 }),
    ]);
    return [a, b, c, d, e, f];
  });
  expect(status).toEqual({ type: "completed", result: [1, 2, 3, 4, 5, 6] });
});
