import { v } from "convex/values";
import { components, functions, workflows } from "../app/_generated/api.js";
import { hops, mutate, type Handler } from "./calls.js";

// Steps that refer to something other than the app's own functions.

const { workflow } = components;

/** Makes calls that may be refused, because each of them is recorded anyway. */
async function tries(calls: (() => Promise<unknown>)[]) {
  let refused = 0;
  for (const call of calls) await call().catch(() => refused++);
  return refused;
}

export const eventMadeInHandler: Handler = async (step, _args, { client }) => {
  const id = await client.createEvent(step, workflow, {
    name: "ticket",
    workflowId: step.workflowId,
  });
  await step.sleep(1_000);
  const value: unknown = await step.awaitEvent({ id, validator: v.any() });
  return [value, await mutate(step, "after", { id, value })];
};

export const componentFunctions: Handler = async (step) => {
  const event = { workflowId: step.workflowId, name: "own" };
  const make = workflow.event.create;
  const own = await step.runMutation(make, event);
  const named = await step.runMutation(make, event, { name: "made" });
  const inline = await step.runMutation(make, event, { inline: true });
  await step.sleep(1_000);
  const status = await step.runQuery(workflow.workflow.getStatus, {
    workflowId: step.workflowId,
  });
  return await mutate(step, "after", {
    ids: [own, named, inline],
    name: status.workflow.name,
  });
};

export const functionHandles: Handler = async (step) => {
  const handles: any = await step.runMutation(functions.handles, {});
  const results: unknown[] = [
    await step.runMutation(handles.mutate, { value: 1 }),
    await step.runMutation(handles.mutate, { value: 2 }, { inline: true }),
    await step.runQuery(handles.read, { value: 3 }),
    await step.runAction(handles.act, { value: 4 }),
    await step.runMutation(handles.mutate, { value: 5 }, { name: "named" }),
  ];
  await step.sleep(1_000);
  const child: unknown = await step.runWorkflow(handles.child, { value: 6 });
  return [...results, child, await mutate(step, "after", { child })];
};

export const lists: Handler = async (step, _args, { client, manager }) => {
  const paginationOpts = { numItems: 2, cursor: null };
  const pages = [
    await client.list(step, workflow),
    await manager.list(step, { order: "desc", paginationOpts }),
    await manager.listByName(step, "workflows:none"),
    await client.listSteps(step, workflow, step.workflowId, { order: "asc" }),
    await manager.listSteps(step, step.workflowId),
  ];
  await step.sleep(1_000);
  return await mutate(step, "after", {
    lengths: pages.map(({ page }) => page.length),
  });
};

export const sendsToItself: Handler = async (step, _args, { manager }) => {
  const { workflowId } = step;
  const id = await manager.createEvent(step, { name: "first", workflowId });
  await manager.sendEvent(step, { id, value: 1 });
  await manager.sendEvent(step, { workflowId, name: "second" });
  await manager.sendEvent(step, { workflowId, name: "third", error: "no" });
  await step.sleep(1_000);
  return await mutate(step, "after", { id });
};

export const startsOthers: Handler = async (step, _args, { manager }) => {
  const { child } = workflows;
  const started = [
    await manager.start(step, child, { value: 1 }),
    await manager.start(step, child, { value: 1 }, { startAsync: false }),
  ];
  await step.sleep(1_000);
  return await mutate(step, "after", { started });
};

/** Each start creates function handles, which are host calls. */
export const startsByHandles: Handler = async (
  step,
  _args,
  { client, manager },
) => {
  const callback = { onComplete: functions.ended as never, context: [1] };
  const startAsync = true;
  const { child } = workflows;
  const args = { value: 1 };
  const started = [
    await manager.start(step, child, args, callback),
    await manager.start(step, child, args, { startAsync }),
    await manager.start(step, child, args, { ...callback, startAsync }),
    await client.start(step, child, args, { startAsync }),
  ];
  await step.sleep(1_000);
  return await mutate(step, "after", { started });
};

export const managesAnother: Handler = async (step, _args, { manager }) => {
  const id = await manager.start(step, workflows.child, { value: 1 });
  await manager.status(step, id);
  await step.sleep(5_000);
  const refused = await tries([
    () => manager.cancel(step, id),
    () => manager.restart(step, id, { from: functions.act, startAsync: true }),
    () => manager.restart(step, id, { from: workflow.event.create }),
    () => manager.restart(step, id),
    () => manager.cleanup(step, step.workflowId),
  ]);
  await step.sleep(5_000);
  return await mutate(step, "after", { refused });
};

/**
 * Measures after how many microtasks a function of the package returns its step's result. Other branches
 * wait for 0, 1 and 2 more microtasks, so the order of the next steps shows it.
 */
export const layersOfFunctions: Handler = async (
  step,
  _args,
  { client, manager },
) => {
  const { workflowId } = step;
  const event = { name: "e", workflowId };
  const calls: Record<string, () => Promise<unknown>> = {
    createEvent: () => client.createEvent(step, workflow, event),
    managerCreateEvent: () => manager.createEvent(step, event),
    list: () => client.list(step, workflow),
    managerList: () => manager.list(step),
    start: () => client.start(step, workflows.child, { value: 1 }),
    managerStart: () => manager.start(step, workflows.child, { value: 1 }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const branch = async (wait: () => Promise<unknown>, label: string) => {
      await wait();
      await mutate(step, label);
    };
    const counted = (count: number) =>
      branch(async () => {
        await mutate(step, `first ${count}`);
        await hops(count);
      }, `${name} or ${count} more`);
    await Promise.all([counted(0), counted(1), branch(call, name), counted(2)]);
  }
};

/** Options that 0.4 accepts from untyped code and ignores. */
export const ignoredOptions: Handler = async (step) => {
  const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
  return [
    await mutate(step, "retried", {}, { retry: true }),
    await step.runQuery(functions.read, { value: 1 }, { retry } as object),
    await mutate(step, "at once", {}, { inline: true, runAfter: 0 }),
    await mutate(step, "long ago", {}, { inline: true, runAt: 0 }),
    await mutate(step, "both", {}, { inline: true, retry }),
    await mutate(step, "after"),
  ];
};
