import { workflows } from "../app/_generated/api.js";
import { message, mutate, read, type Handler } from "./calls.js";

export const nested: Handler = async (step) => {
  const first: number = await step.runWorkflow(workflows.child, { value: 10 });
  const both = await Promise.all([
    step.runWorkflow(workflows.child, { value: first }, { name: "second" }),
    step.runWorkflow(
      workflows.grandparent,
      { value: first },
      { name: "third" },
    ),
  ]);
  return [first, both, await mutate(step, "done", { both })];
};

export const nestedFailureCaught: Handler = async (step) => {
  let caught = "";
  try {
    await step.runWorkflow(workflows.failing, { value: 1 });
  } catch (error) {
    caught = message(error);
  }
  return [caught, await mutate(step, "after", { caught })];
};

/** The workflows that the handlers above start. */
export const children: Record<string, Handler> = {
  async child(step, { value }) {
    const own: number = await mutate(step, "child", { value });
    return own + 1;
  },

  async grandparent(step, { value }) {
    const x: number = await step.runWorkflow(workflows.child, { value });
    return { x, y: await read(step, "gp", { value: x }) };
  },

  async failing(step) {
    await mutate(step, "about to fail");
    throw new Error("child failed");
  },
};
