import {
  componentsGeneric,
  createFunctionHandle,
  type FunctionReference,
} from "convex/server";
import { expect, test } from "vitest";
import {
  components,
  drain,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { restart } from "../../testing/managing.js";
import {
  createEvent,
  list,
  listByName,
  listSteps,
  type WorkflowId,
} from "../../client/index.js";

useBackend();

const names = async (t: Backend, workflowId: WorkflowId) => {
  const { page } = await t.query((ctx) =>
    listSteps(ctx, components.workflow, workflowId),
  );
  return page.map(({ name }) => name);
};

test("a component's function is named by component, module and function, a handle by the part after function://", async () => {
  const t = newBackend();
  script("handler", "child", async () => "done");
  const handles = await t.mutation(async () => ({
    echo: await createFunctionHandle(steps.echo),
    child: await createFunctionHandle(workflows.workflow),
  }));
  const { workflowId, status } = await runHandler(t, async (step) => {
    const event = { name: "mine", workflowId: step.workflowId };
    await createEvent(step, components.workflow, event);
    await step.runMutation(handles.echo as never, { value: 1 } as never);
    return await step.runWorkflow(
      handles.child as never,
      { handler: "child" } as never,
    );
  });
  expect(status).toEqual(completed("done"));
  expect(await names(t, workflowId)).toEqual([
    "workflow/event/create",
    handles.echo.replace("function://", ""),
    handles.child.replace("function://", ""),
  ]);
});

test("restart from a component's function finds its last step", async () => {
  const t = newBackend();
  const event = (workflowId: WorkflowId) => ({ name: "mine", workflowId });
  const id = await startHandler(t, async (step) => {
    await step.runMutation(steps.echo, { value: 1 });
    const made = event(step.workflowId);
    await createEvent(step, components.workflow, made).catch(() => undefined);
    return await step.runMutation(steps.echo, { value: 2 });
  });
  await drain();
  const { create } = components.workflow.event;
  await restart(t, id, { from: create });
  await drain();
  expect(await statusOf(t, id)).toEqual(completed(2));
  expect(await names(t, id)).toEqual([
    "steps:echo",
    "workflow/event/create",
    "steps:echo",
  ]);
});

test("list calls with a workflow's step record the order in which they read", async () => {
  const t = newBackend();
  const { workflowId } = await runHandler(t, async (step) => {
    await list(step, components.workflow);
    await listByName(step, components.workflow, "none");
    await listSteps(step, components.workflow, step.workflowId);
  });
  const { page } = await t.query((ctx) =>
    listSteps(ctx, components.workflow, workflowId),
  );
  const paginationOpts = { numItems: 100, cursor: null };
  const common = { order: "asc", paginationOpts };
  expect(page.map(({ args }) => args)).toEqual([
    common,
    { ...common, name: "none" },
    { ...common, workflowId },
  ]);
});

test("a step of a component that the app doesn't have fails, and the handler can catch it", async () => {
  const t = newBackend();
  const { absent } = componentsGeneric() as never as Absent;
  const { status, workflowId } = await runHandler(t, async (step) => {
    const caught = await step
      .runMutation(absent.module.fn, {})
      .catch((error: Error) => error.message);
    return [caught, await step.runMutation(steps.echo, { value: 2 })];
  });
  expect(status).toMatchObject({
    result: [expect.stringMatching(/absent/), 2],
  });
  expect(await names(t, workflowId)).toEqual([
    "absent/module/fn",
    "steps:echo",
  ]);
});

type Absent = {
  absent: { module: { fn: FunctionReference<"mutation", "internal"> } };
};
