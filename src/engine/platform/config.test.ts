import { describe, expect, test, vi } from "vitest";
import {
  callInternal,
  listenToConsole,
  poolConfig,
} from "../../testing/managing.js";
import { internal as app } from "../../testing/app/_generated/api.js";
import {
  drain,
  newBackend,
  rows,
  runHandler,
  script,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { everyRow } from "../../testing/tables.js";
import { start } from "../../client/index.js";
import { internal } from "../../component/_generated/api.js";

useBackend();
const heard = listenToConsole();

type Changes = { logLevel?: never; maxParallelism?: number };
const update = (t: Backend, changes: object) =>
  callInternal(t, internal.utils.updateConfig, changes as Changes);

async function stored(t: Backend) {
  const [{ logLevel, maxParallelism }] = (await rows(t, "config")) as [
    Awaited<ReturnType<typeof rows<"config">>>[number],
  ];
  return { logLevel, maxParallelism };
}

describe("utils:updateConfig", () => {
  test("stores the given settings in one row, and leaves the others unchanged", async () => {
    const t = newBackend();
    await update(t, { maxParallelism: 50 });
    expect(await stored(t)).toEqual({ maxParallelism: 50 });
    await update(t, { logLevel: "INFO" });
    expect(await stored(t)).toEqual({ maxParallelism: 50, logLevel: "INFO" });
    await update(t, { maxParallelism: 7 });
    await update(t, {});
    expect(await stored(t)).toEqual({ maxParallelism: 7, logLevel: "INFO" });
    expect(await rows(t, "config")).toHaveLength(1);
  });

  test("updates the pool at once", async () => {
    const t = newBackend();
    await update(t, { maxParallelism: 50, logLevel: "ERROR" });
    expect(await poolConfig(t)).toMatchObject({
      maxParallelism: 50,
      logLevel: "ERROR",
    });
    await runHandler(t, (step) => step.runMutation(steps.echo, { value: 1 }));
    expect(await poolConfig(t)).toMatchObject({
      maxParallelism: 50,
      logLevel: "ERROR",
    });
  });

  test("applies from then on, even if a manager asked for another value before", async () => {
    const t = newBackend();
    script("handler", "main", (step) =>
      step.runAction(steps.echoAction, { value: 1 }),
    );
    await t.mutation((ctx) =>
      start(ctx, app.managed.seven, { handler: "main" }),
    );
    await drain();
    await update(t, { maxParallelism: 50 });
    expect(await poolConfig(t)).toMatchObject({ maxParallelism: 50 });
  });

  test.each([
    { maxParallelism: -1 },
    { maxParallelism: 2.5 },
    { maxParallelism: 201 },
    { logLevel: "LOUD" },
    { unknown: 1 },
  ])("refuses %j and changes nothing", async (changes) => {
    const t = newBackend();
    await update(t, { maxParallelism: 10 });
    const before = await everyRow(t);
    await expect(update(t, changes)).rejects.toThrow();
    expect(await everyRow(t)).toEqual(before);
  });

  test("explains an invalid number, and says what it expected", async () => {
    const t = newBackend();
    await expect(update(t, { maxParallelism: 1000 })).rejects.toThrow(
      "Invalid maxParallelism: 1000. Expected a whole number from 0 to 200.",
    );
  });
});

describe("the log level", () => {
  const throwing = (t: Backend) =>
    runHandler(t, async () => 1, { context: 1 }).then(() =>
      callInternal(t, internal.pool.onComplete, {
        workId: "w" as never,
        result: { kind: "canceled" },
        context: "unknown",
      }),
    );

  test("is WARN by default: a healthy run prints nothing", async () => {
    const t = newBackend();
    const info = vi.spyOn(console, "info");
    const log = vi.spyOn(console, "log");
    await runHandler(t, (step) =>
      step.runAction(steps.echoAction, { value: 1 }),
    );
    expect(heard.said).toEqual([]);
    expect(info).not.toHaveBeenCalled();
    expect(log).not.toHaveBeenCalled();
  });

  test("of INFO prints one JSON line for each event of a run", async () => {
    const t = newBackend();
    await update(t, { logLevel: "INFO" });
    const lines: unknown[] = [];
    vi.spyOn(console, "info").mockImplementation((line: string) => {
      if (line.startsWith('{"component":"workflow"'))
        lines.push(JSON.parse(line));
    });
    const { workflowId } = await runHandler(t, (step) =>
      step.runMutation(steps.echo, { value: 1 }),
    );
    const common = { component: "workflow", workflowId };
    expect(lines).toMatchObject([
      { ...common, event: "started", name: "workflows:workflow" },
      { ...common, event: "started", stepName: "steps:echo" },
      {
        ...common,
        event: "stepCompleted",
        name: "steps:echo",
        status: "success",
      },
      { ...common, event: "completed", status: "success" },
    ]);
  });

  test("of ERROR still prints errors that need an operator", async () => {
    const t = newBackend();
    await update(t, { logLevel: "ERROR" });
    await throwing(t);
    expect(heard.said).toEqual([
      expect.stringContaining("onCompleteFailures") as string,
    ]);
  });
});
