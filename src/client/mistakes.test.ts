import { afterEach, describe, expect, test, vi } from "vitest";
import { convexTest } from "convex-test";
import { defineSchema } from "convex/server";
import { v } from "convex/values";
import { internal } from "../testing/app/_generated/api.js";
import {
  components,
  drain,
  newBackend,
  runHandler,
  steps,
  startHandler,
  useBackend,
  workflows,
  type Backend,
} from "../testing/harness.js";
import { rowCounts } from "../testing/managing.js";
import {
  cancel,
  cancelMany,
  cleanup,
  createEvent,
  defineEvent,
  defineWorkflow,
  getStatus,
  list,
  listByName,
  listSteps,
  restart,
  sendEvent,
  start,
  WorkflowManager,
} from "./index.js";

useBackend();
afterEach(() => vi.restoreAllMocks());

/** Mistakes are made in code without types, or whose types were silenced. */
type Any = any;
type Handler = (step: Any) => Promise<unknown>;

const { workflow: component } = components;
const { takesId } = internal.definitions;
const main: Any = { handler: "main" };

function cyclic() {
  const value: Record<string, unknown> = {};
  return Object.assign(value, { self: value });
}

describe("in a handler, the run fails with an error that says how to fix it", () => {
  const echo = steps.echoQuery;
  test.each<[mistake: string, handler: Handler, error: RegExp]>([
    [
      "a step's promise is returned in an object",
      async (step) => ({ x: step.runQuery(echo, { value: 1 }) }),
      /^Invalid return value: workflow "workflows:workflow": \.x is the promise of step "steps:echoQuery", .*Await it first\.$/,
    ],
    [
      "a step's promise is an argument",
      (step) => step.runQuery(echo, { value: [step.sleep(1)] }),
      /^Invalid arguments of step "steps:echoQuery": \.value\[0\] is the promise of step "sleep", .*Await it first\.$/,
    ],
    [
      "another promise is an argument",
      (step) => step.runQuery(echo, { value: Promise.resolve(1) }),
      /\.value is a promise, which Convex can't store\. Await it first\.$/,
    ],
    [
      "fetch",
      () => fetch("https://example.com"),
      /A workflow's handler can't use `fetch`\. .*step\.runAction\(internal\.file\.name, args\)\.$/,
    ],
    [
      "a timer",
      () => new Promise((resolve) => setTimeout(resolve, 5)),
      /A workflow's handler can't use `setTimeout`\. To wait, use step\.sleep\(ms\)\.$/,
    ],
    [
      "an interval",
      async () => setInterval(() => {}, 5),
      /A workflow's handler can't use `setInterval`\. To wait, use step\.sleep\(ms\)\.$/,
    ],
    [
      "the function in place of its reference",
      (step) => step.runQuery(async () => 1, {}),
      /^step\.runQuery takes a query's reference, not the function itself\. Pass it as internal\.file\.name/,
    ],
    [
      "a registered function in place of its reference",
      (step) =>
        step.runWorkflow(
          defineWorkflow(component).handler(async () => 1),
          {},
        ),
      /^step\.runWorkflow takes a workflow's reference, not the function itself\./,
    ],
    [
      "an undefined reference",
      (step) => step.runAction(undefined, {}),
      /^step\.runAction takes an action's reference, not undefined\./,
    ],
    [
      "ctx.db",
      (step) => step.db.query("users").collect(),
      /^A workflow's handler has no ctx\.db, .*call that as a step/,
    ],
    [
      "ctx.scheduler",
      (step) => step.scheduler.runAfter(0, echo, {}),
      /^A workflow's handler has no ctx\.scheduler, /,
    ],
    [
      "ctx.auth",
      (step) => step.auth.getUserIdentity(),
      /^A workflow's handler has no ctx\.auth, /,
    ],
    [
      "a returned Date",
      async () => ({ at: [new Date(0)] }),
      /^Invalid return value: workflow "workflows:workflow": \.at\[0\] is a Date, .*Use its getTime\(\), a number\.$/,
    ],
    [
      "a returned Map",
      async () => new Map(),
      /: the value is a Map, .*Use \[\.\.\.map\] or Object\.fromEntries\(map\)\.$/,
    ],
    [
      "a returned instance of a class",
      async () => new (class Order {})(),
      /: the value is an Order, .*Use a plain object, such as \{ \.\.\.value \}\.$/,
    ],
    [
      "a step's wrong arguments",
      (step) => step.runQuery(echo, { vlaue: 1 }),
      /^Step 0 "steps:echoQuery": .*`value`/,
    ],
    [
      "an inline step's wrong arguments",
      (step) => step.runMutation(steps.echo, { vlaue: 1 }, { inline: true }),
      /^Step 0 "steps:echo": .*`value`/,
    ],
    [
      "an action's wrong arguments",
      (step) => step.runAction(steps.action, { nmae: "x" }),
      /^Step 0 "steps:action": .*`name`/,
    ],
    [
      "retries",
      (step) => step.runAction(steps.action, main, { retries: 3 }),
      /^Invalid options of step "steps:action": there is no option "retries"\. Did you mean retry\?$/,
    ],
    [
      "attempts of a policy",
      (step) => step.runAction(steps.action, main, { retry: { attempts: 3 } }),
      /^Invalid options of step "steps:action": retry: .*Did you mean maxAttempts\?$/,
    ],
    [
      "a number of attempts as retry",
      (step) => step.runAction(steps.action, main, { retry: 3 as Any }),
      /^Invalid options of step "steps:action": retry is 3\. Expected true, false, or an object with maxAttempts/,
    ],
    [
      "options that are no object",
      (step) => step.sleep(5, "nap"),
      /^Invalid options of step\.sleep: expected an object with name, not "nap"\.$/,
    ],
    [
      "a duration in words",
      (step) => step.sleep("1 day"),
      /^Invalid duration of step "sleep": "1 day"\. Expected milliseconds, .*24 \* 60/,
    ],
    [
      "a name in place of an event",
      (step) => step.awaitEvent("go"),
      /^awaitEvent takes an object with the event's name or its id, .* not "go"\.$/,
    ],
    [
      "a timeout in words",
      (step) => step.awaitEvent({ name: "go", timeout: "5" }),
      /^Invalid timeout of event "go": "5"\. Expected milliseconds from 0\.$/,
    ],
    [
      "an argument that contains itself",
      (step) => step.runQuery(echo, { value: cyclic() }),
      /^Invalid arguments of step "steps:echoQuery": \.value\.self is a value that contains it, .*Leave it out\.$/,
    ],
    [
      "an option of awaitEvent",
      (step) => step.awaitEvent({ name: "go", timeoutMs: 5 }),
      /^Invalid options of awaitEvent: .*"timeoutMs"\. Did you mean timeout\?$/,
    ],
    [
      "an option of withOptions",
      async (step) => step.withOptions({ retries: true }),
      /^Invalid options of withOptions: .*"retries"\. Did you mean retry\?$/,
    ],
  ])("%s", async (_mistake, handler, error) => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { status } = await runHandler(newBackend(), handler as never);
    expect(status).toMatchObject({ type: "failed" });
    expect((status as { error: string }).error).toMatch(error);
  });

  test("code that asks whether a handler's ctx has a database is told that it has none", async () => {
    const { status } = await runHandler(newBackend(), async (step) => ({
      db: "db" in step,
      copy: "db" in { ...step },
      text: `${step as unknown as string}`,
    }));
    expect(status).toMatchObject({
      result: { db: false, copy: false, text: "[object Object]" },
    });
  });
});

describe("a call throws an error that says how to fix it, and changes nothing", () => {
  const mutation = (call: (ctx: Any) => Promise<unknown>) => (t: Backend) =>
    t.mutation(call);
  const query = (call: (ctx: Any) => Promise<unknown>) => (t: Backend) =>
    t.query(call);
  const notFound = /^Invalid workflow ID: undefined\. Expected the id/;
  const none: Any = undefined;
  const x: Any = { name: "x" };

  type Call = [string, (t: Backend) => Promise<unknown>, RegExp];
  test.each<Call>([
    [
      "start: a wrong argument",
      mutation((ctx) => start(ctx, takesId, { owner: 5 } as Any)),
      /^Can't start "definitions:takesId": its arguments were refused\. .*`5`/,
    ],
    [
      "start: nested arguments",
      mutation((ctx) => start(ctx, takesId, { args: { owner: 5 } } as Any)),
      /`owner`[^]*start takes the arguments as they are/,
    ],
    [
      "start: a workflow in place of its reference",
      mutation((ctx) =>
        start(ctx, defineWorkflow(component).handler(async () => 1) as Any, {}),
      ),
      /it is not a workflow\. Pass a reference .*internal\.folder\.file/,
    ],
    [
      "start: an unknown option",
      mutation((ctx) =>
        start(ctx, workflows.workflow, main, { async: true } as Any),
      ),
      /^Invalid options of start\("workflows:workflow"\): .*Did you mean startAsync\?/,
    ],
    [
      "start: arguments that are no object",
      mutation((ctx) => start(ctx, workflows.workflow, null as Any)),
      /^Can't start "workflows:workflow": its arguments are null\. Expected an object\.$/,
    ],
    [
      "start: startAsync that is no flag",
      mutation((ctx) =>
        start(ctx, workflows.workflow, main, { startAsync: 1 } as Any),
      ),
      /: startAsync is 1\. Expected true or false\.$/,
    ],
    [
      "start: an unknown execution",
      mutation((ctx) =>
        start(ctx, workflows.workflow, main, { execution: "x" } as Any),
      ),
      /: execution is "x"\. Expected "driver" or "pool"\.$/,
    ],
    [
      "start: no onComplete",
      mutation((ctx) =>
        start(ctx, workflows.workflow, main, { onComplete: null } as Any),
      ),
      /^onComplete takes a mutation's reference, not null\./,
    ],
    [
      "a direct start: onComplete that is no handle",
      mutation((ctx) =>
        ctx.runMutation(workflows.workflow, {
          args: main,
          onComplete: "steps:ended",
        }),
      ),
      /onComplete is "steps:ended"\. Expected a handle from createFunctionHandle\.$/,
    ],
    [
      "list: an unknown status",
      query((ctx) => list(ctx, component, { status: "running" } as Any)),
      /^Invalid options of list: Validator error: [^]*running/,
    ],
    [
      "list: no items",
      query((ctx) =>
        list(ctx, component, { paginationOpts: { numItems: 0, cursor: null } }),
      ),
      /^Invalid options of list: paginationOpts\.numItems is 0\. Expected a whole number from 1\.$/,
    ],
    [
      "listByName: no name",
      query((ctx) => listByName(ctx, component, null as Any)),
      /^Invalid name: null\. Expected a text, or a reference/,
    ],
    [
      "cancel: an unknown ifFinished",
      mutation((ctx) =>
        cancel(ctx, component, "x", { ifFinished: "nope" } as Any),
      ),
      /^Can't cancel a workflow: [^]*nope/,
    ],
    [
      "cancelMany: an unknown status",
      mutation((ctx) =>
        cancelMany(ctx, component, { status: "running" } as Any),
      ),
      /^Invalid options of cancelMany: [^]*running/,
    ],
    [
      "sendEvent: strict that is no flag",
      mutation((ctx) =>
        sendEvent(ctx, component, { ...x, workflowId: "x", strict: "yes" }),
      ),
      /^Can't send an event: [^]*yes/,
    ],
    [
      "sendEvent: no event",
      mutation((ctx) => sendEvent(ctx, component, none)),
      /^Invalid options of sendEvent: expected an object with name, .* not null\.$/,
    ],
    [
      "start: onComplete that is no reference",
      mutation((ctx) =>
        start(ctx, workflows.workflow, main, {
          onComplete: async () => {},
          context: 1,
        } as Any),
      ),
      /^onComplete takes a mutation's reference, not the function itself\./,
    ],
    ...[getStatus, listSteps, cancel, restart, cleanup].map((call): Call => [
      `${call.name} without an id`,
      mutation((ctx) => call(ctx, component, none)),
      notFound,
    ]),
    [
      "createEvent without an id",
      mutation((ctx) => createEvent(ctx, component, x)),
      notFound,
    ],
    [
      "sendEvent without an id",
      mutation((ctx) => sendEvent(ctx, component, x)),
      /^To send an event, give its id, or its name and the workflowId\.$/,
    ],
    [
      "sendEvent with an unknown option",
      mutation((ctx) =>
        sendEvent(ctx, component, { ...x, workflowId: "y", payload: 1 }),
      ),
      /^Invalid options of sendEvent: .*"payload"\. Did you mean value\?/,
    ],
    [
      "cancel with an unknown option",
      mutation((ctx) => cancel(ctx, component, "y", { force: true } as Any)),
      /^Invalid options of cancel: .*"force"\. The options are ifFinished\.$/,
    ],
    [
      "restart with an unknown option",
      mutation((ctx) => restart(ctx, component, "y", { form: 1 } as Any)),
      /^Invalid options of restart: .*Did you mean from\?$/,
    ],
    [
      "list with an unknown option",
      query((ctx) => list(ctx, component, { limit: 5 } as Any)),
      /^Invalid options of list: .*Did you mean paginationOpts\?$/,
    ],
  ])("%s", async (_mistake, call, error) => {
    const t = newBackend();
    await startHandler(t, (step) => step.sleep(1000));
    const before = await rowCounts(t);
    await expect(call(t)).rejects.toThrow(error);
    expect(await rowCounts(t)).toEqual(before);
  });
});

test("undefined options and a spread definition from untyped code are accepted", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const t = newBackend();
  const approval = defineEvent({ name: "approval", validator: v.string() });
  const id = await startHandler(t, async (step) => {
    const call = step as Any;
    await call.runMutation(steps.echo, { value: 1 }, { retries: undefined });
    await call.runMutation(steps.echo, { value: 2 }, { retry: true });
    const now = { inline: true, runAfter: 0 };
    await call.runMutation(steps.echo, { value: 3 }, now);
    return await call.awaitEvent({ ...approval, workflowId: step.workflowId });
  });
  await t.mutation((ctx) =>
    createEvent(ctx, component, { ...approval, workflowId: id } as Any),
  );
  await drain();
  await t.mutation((ctx) =>
    sendEvent(ctx, component, { ...approval, workflowId: id, value: "yes" }),
  );
  await drain();
  const page = await t.query((ctx) =>
    list(ctx, component, { status: "completed", name: undefined }),
  );
  expect(page.page).toMatchObject([{ runResult: { returnValue: "yes" } }]);
});

test("an app without the component is told to use it", async () => {
  const modules = import.meta.glob("../testing/app/**/*.ts");
  const t = convexTest({ schema: defineSchema({}), modules });
  await expect(
    t.mutation((ctx) => start(ctx, workflows.workflow, main)),
  ).rejects.toThrow(
    /^The app has no component "workflow"\. Is app\.use\(workflow\) missing in convex\/convex\.config\.ts/,
  );
});

describe("a definition throws an error that says how to fix it", () => {
  const manager = new WorkflowManager(component);
  test.each<[string, () => unknown, RegExp]>([
    [
      "no component",
      () => new WorkflowManager(undefined as Any),
      /^The workflow component is undefined\. Pass components\.workflow, .*app\.use\(workflow\)/,
    ],
    [
      "an unknown option of the manager",
      () => new WorkflowManager(component, { maxParallelism: 5 } as Any),
      /^Invalid options of WorkflowManager: .*"maxParallelism"\. The options are workpoolOptions and retention\.$/,
    ],
    [
      "an unknown option of the pool",
      () =>
        new WorkflowManager(component, {
          workpoolOptions: { concurrency: 5 } as Any,
        }),
      /^Invalid options of WorkflowManager: workpoolOptions: .*Did you mean maxParallelism\?/,
    ],
    [
      "an unknown field of a definition",
      () => manager.define({ arguments: {}, handler: async () => 1 } as Any),
      /^Invalid options of a workflow's definition: .*"arguments"\./,
    ],
    [
      "a handler that is no function",
      () => defineWorkflow(component).handler({} as Any),
      /^Invalid definition of a workflow: its handler is \[object Object\]\. Expected an async function/,
    ],
    [
      "an unknown field of a retry policy",
      () =>
        manager
          .define({
            workpoolOptions: { defaultRetryBehavior: { retries: 3 } as Any },
          })
          .handler(async () => 1),
      /defaultRetryBehavior: .*"retries"\. Did you mean maxAttempts\?/,
    ],
  ])("%s", (_mistake, define, error) => {
    expect(define).toThrow(error);
  });
});
