import { convexTest } from "convex-test";
import { afterEach, beforeEach, vi } from "vitest";
import { register } from "@convex-dev/workflow/test";
import * as client from "../client/index.js";
import { components, internal } from "./app/_generated/api.js";
import schema from "./app/schema.js";
import { Random } from "./random/random.js";
import { clearScripts, script, type Handler } from "./app/scripts.js";

const modules = import.meta.glob("./app/**/*.ts");

/** Makes the backoff of retries the same every time. */
export function useFixedPauses() {
  const { random } = Math;
  beforeEach(() => {
    const numbers = new Random(0);
    Math.random = () => numbers.next();
  });
  afterEach(() => {
    Math.random = random;
  });
}

/** Installs fake timers, as users do. */
export function useFakeTimers() {
  useFixedPauses();
  beforeEach(() => {
    clearScripts();
    vi.useFakeTimers({ now: 1_700_000_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

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

export const statusOf = (t: Test, workflowId: string) =>
  t.query((ctx) =>
    client.getStatus(ctx, components.workflow, workflowId as client.WorkflowId),
  );

export const send = (t: Test, workflowId: client.WorkflowId, name: string) =>
  t.mutation((ctx) =>
    client.sendEvent(ctx, components.workflow, { workflowId, name }),
  );

/** Returns the values that mutation steps wrote. */
export const effects = async (t: Test) =>
  (await t.run((ctx) => ctx.db.query("effects").collect())).map(
    ({ value }) => value as unknown,
  );
