import { describe, expect, test } from "vitest";
import {
  components,
  drain,
  inComponent,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  strangers,
  useBackend,
} from "../../testing/harness.js";
import * as functions from "../../testing/app/strangers.js";
import { listenToConsole, restart } from "../../testing/managing.js";

useBackend();
listenToConsole();

const KINDS = [
  ["a workflow of another instance", "elsewhere"],
  ["an ordinary mutation", "ordinary"],
  ["an ordinary mutation that returns an object with a kind", "kinds"],
  ["an ordinary mutation that returns the run's id", "echoes"],
  ["an ordinary mutation that says it is complete", "completes"],
  ["a mutation with arguments of its own", "validated"],
] as const;

const pattern = (name: string) =>
  new RegExp(
    `Workflow \\S+ \\("${name}"\\).* can't take a turn: its function is not a workflow of component "workflow"`,
  );
const noTurn = (name: string) => expect.stringMatching(pattern(name)) as string;
const MOVED = "workflows:workflow";
const HAS_MOVED = { type: "failed", error: noTurn(MOVED) };

type Key = keyof typeof strangers;

/** Creates a backend on which `workflows:workflow` becomes another function, as after a deploy. */
function movingBackend(key: Key) {
  let hasMoved = false;
  const t = newBackend({
    other: true,
    wrap: (modules, component) =>
      component === ""
        ? {
            ...modules,
            "./app/workflows.ts": async () =>
              hasMoved
                ? { workflow: functions[key] }
                : await modules["./app/workflows.ts"]!(),
          }
        : modules,
  });
  return { t, move: () => (hasMoved = true) };
}

describe.each(KINDS)("%s", (_kind, key) => {
  const name = `strangers:${key}`;

  test("fails as a child with an error that names the child and the component", async () => {
    const t = newBackend({ other: true });
    script("handler", "child", async () => "from the child");
    const { workflowId, status } = await runHandler(t, (step) =>
      step.runWorkflow(strangers[key] as never, { handler: "child" } as never),
    );
    expect(status).toEqual({ type: "failed", error: noTurn(name) });
    expect(status).toHaveProperty("error", expect.stringContaining(workflowId));
  });

  test("fails the next turn of a run whose workflow it replaced", async () => {
    const { t, move } = movingBackend(key);
    const id = await startHandler(t, async (step) => {
      await step.sleep(1000);
      await step.runMutation(steps.echo, { value: 1 });
    });
    move();
    await drain();
    expect(await statusOf(t, id)).toEqual(HAS_MOVED);
  });

  test("fails a chain whose workflow it replaced", async () => {
    const { t, move } = movingBackend(key);
    const id = await startHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.runMutation(steps.echo, { value: 2 });
    });
    move();
    await drain();
    expect(await statusOf(t, id)).toEqual(HAS_MOVED);
  });

  test("refuses a restart, and fails an enqueued one", async () => {
    const { t, move } = movingBackend(key);
    const { workflowId: id, status } = await runHandler(t, async () => "done");
    move();
    await expect(restart(t, id)).rejects.toThrow(pattern(MOVED));
    expect(await statusOf(t, id)).toEqual(status);
    await restart(t, id, { startAsync: true });
    await drain();
    expect(await statusOf(t, id)).toEqual(HAS_MOVED);
  });

  test("is refused by workflow.create", async () => {
    const t = newBackend({ other: true });
    const created = t.mutation((ctx) =>
      ctx.runMutation(components.workflow.workflow.create, {
        workflowName: name,
        workflowHandle: `function://;${name}`,
        workflowArgs: { handler: "main" },
      }),
    );
    await expect(created).rejects.toThrow(pattern(name));
    expect(
      await inComponent(t, (ctx) => ctx.db.query("workflows").collect()),
    ).toEqual([]);
  });
});
