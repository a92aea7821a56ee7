import { convexTest } from "convex-test";
import { register } from "@convex-dev/workflow/test";
import * as client from "../client/index.js";
import { components, internal } from "./app/_generated/api.js";
import schema from "./app/schema.js";
import { script, type Handler } from "./app/scripts.js";

const modules = import.meta.glob("./app/**/*.ts");

/** Creates the app under test and registers the component, as users do. */
export function newTest(...names: string[]) {
  const t = convexTest(schema, modules);
  for (const name of ["workflow", ...names]) register(t, name);
  return t;
}
export type Test = ReturnType<typeof newTest>;

type Options = client.StartOptions & {
  /** The handler's name. Default: "main". */
  name?: string;
  workflow?: typeof internal.workflows.workflow;
};

export async function start(
  t: Test,
  handler: Handler,
  { name = "main", workflow, ...options }: Options = {},
) {
  script("handler", name, handler);
  return await t.mutation((ctx) =>
    client.start(
      ctx,
      workflow ?? internal.workflows.workflow,
      { handler: name },
      options as never,
    ),
  );
}

export const send = (t: Test, workflowId: client.WorkflowId, name: string) =>
  t.mutation((ctx) =>
    client.sendEvent(ctx, components.workflow, { workflowId, name }),
  );
