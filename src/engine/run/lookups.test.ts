import { expect, test } from "vitest";
import { cancel, cleanup, restart } from "../../testing/managing.js";
import { create, send } from "../../testing/events.js";
import {
  advance,
  components,
  drain,
  newBackend,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
} from "../../testing/harness.js";
import { list, listByName, listSteps } from "../../client/index.js";

useBackend();

type Source = { type: string; tableName?: string; indexName?: string };
type Query = { source: Source; operators: Record<string, unknown>[] };
type Syscall = (op: string, args: string) => string;

const TABLES = ["workflows", "steps", "events", "onCompleteFailures"];

/** Every query that reads one of the component's tables other than by an index alone. */
function watchQueries() {
  const scans = new Set<string>();
  const indexes = new Set<string>();
  const { Convex } = globalThis as unknown as { Convex: object };
  const original = Object.getOwnPropertyDescriptor(Convex, "syscall")!;
  const note = ({ source, operators }: Query) => {
    const name = source.tableName ?? source.indexName!;
    const [table] = name.split(".");
    if (!TABLES.includes(table!)) return;
    if (source.type === "FullTableScan") scans.add(`all of ${name}`);
    else indexes.add(name);
    if (operators.some((operator) => "filter" in operator))
      scans.add(`filter on ${name}`);
  };
  Object.defineProperty(Convex, "syscall", {
    configurable: true,
    get() {
      const host = original.get!.call(Convex) as Syscall;
      return (op: string, args: string) => {
        if (op === "1.0/queryStream")
          note((JSON.parse(args) as { query: Query }).query);
        return host(op, args);
      };
    },
  });
  const stop = () => Object.defineProperty(Convex, "syscall", original);
  return { scans, indexes, stop };
}

test("every lookup of runs, steps and events uses an index", async () => {
  const t = newBackend();
  const { scans, indexes, stop } = watchQueries();
  try {
    script("handler", "child", (step) => step.sleep(1000));
    const id = await startHandler(t, async (step) => {
      await Promise.all([
        step.runMutation(steps.echo, { value: 1 }),
        step.runAction(steps.echoAction, { value: 2 }),
        step.runWorkflow(workflows.workflow, { handler: "child" }),
      ]);
      await step.awaitEvent({ name: "go" });
      await step.awaitEvent({ name: "late", timeout: 10 }).catch(() => null);
      await step.sleep(1_000_000);
    });
    await advance(10_000);
    await create(t, id, "kept");
    await send(t, { workflowId: id, name: "go" });
    await send(t, { workflowId: id, name: "kept" });
    await advance(10_000);
    await statusOf(t, id);
    const { workflow } = components;
    await t.query((ctx) => list(ctx, workflow));
    await t.query((ctx) => listByName(ctx, workflow, "workflows:workflow"));
    await t.query((ctx) => listSteps(ctx, workflow, id));
    await t.query((ctx) =>
      ctx.runQuery(workflow.journal.load, {
        workflowId: id,
        shortCircuit: true,
      }),
    );
    await cancel(t, id);
    await restart(t, id, { from: "sleep" });
    await drain();
    await restart(t, id, { from: 1, startAsync: true });
    await cancel(t, id);
    await cleanup(t, id);
    await drain();
  } finally {
    stop();
  }
  expect([...scans]).toEqual([]);
  expect([...indexes]).toEqual(
    expect.arrayContaining(["steps.workflow", "steps.name", "events.name"]),
  );
});
