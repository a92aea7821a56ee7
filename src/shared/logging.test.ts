import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internal as component } from "../component/_generated/api.js";
import { createLogger, type LogLevel } from "./logging.js";
import {
  components,
  drain,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  steps,
  useBackend,
  workflows,
} from "../testing/harness.js";
import { internal } from "../testing/app/_generated/api.js";
import type { Handler } from "../testing/app/scripts.js";
import { callInternal, cancel, restart } from "../testing/managing.js";
import { sendEvent } from "../client/index.js";

useBackend();

const { definitions } = internal;
const METHODS = ["debug", "log", "info", "warn", "error", "trace"] as const;
let printed: { method: string; text: string }[];

beforeEach(() => {
  printed = [];
  for (const method of METHODS)
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => {
      printed.push({ method, text: args.map(String).join(" ") });
    });
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Event = { event: string } & Record<string, unknown>;

/** Returns the printed structured events in order. */
const events = () =>
  printed
    .filter(({ text }) => text.startsWith("{"))
    .map(({ text }) => JSON.parse(text) as Event)
    .filter((event) => event.component === "workflow");

// For the stored level and the default, see src/engine/platform/config.test.ts.
test.each<[LogLevel, ...methods: string[]]>([
  ["DEBUG", "debug", "info", "warn", "error"],
  ["TRACE", "info", "warn", "error"],
  ["INFO", "info", "warn", "error"],
  ["REPORT", "warn", "error"],
  ["WARN", "warn", "error"],
  ["ERROR", "error"],
])(
  "at %s, messages of that severity or above are printed",
  (level, ...methods) => {
    const log = createLogger(level);
    log.debug("d");
    log.event("started", {});
    log.warn("w");
    log.error("e");
    expect(printed.map(({ method }) => method)).toEqual(methods);
  },
);

describe("with the default level a healthy run prints nothing", () => {
  test("with steps of every kind, events, retries, a child, a race and many inline steps", async () => {
    const t = newBackend();
    script("handler", "child", (step) =>
      step.runMutation(steps.echo, { value: "child" }),
    );
    let attempts = 0;
    script("action", "flaky", () => {
      if (++attempts === 1) throw new Error("once");
      return "fine";
    });
    const id = await startHandler(
      t,
      async (step) => {
        await step.runQuery(steps.echoQuery, { value: 1 });
        await step.runAction(steps.action, { name: "flaky" }, { retry: true });
        await step.runWorkflow(workflows.workflow, { handler: "child" });
        await Promise.race([
          step.sleep(1000),
          step.runMutation(steps.echo, { value: 2 }, { runAfter: 5000 }),
        ]);
        await step
          .awaitEvent({ name: "late", timeout: 5 })
          .catch(() => undefined);
        await step.runMutation(steps.fail, { message: "x" }).catch(() => 0);
        for (let value = 0; value < 300; value++)
          await step.runMutation(steps.echo, { value }, { inline: true });
        await step.awaitEvent({ name: "news" });
      },
      { context: 1 },
    );
    await t.mutation((ctx) =>
      sendEvent(ctx, components.workflow, { workflowId: id, name: "news" }),
    );
    await drain();
    expect(printed).toEqual([]);
    const [run] = await rows(t, "workflows");
    expect(run!.runResult).toMatchObject({ kind: "success" });
  });

  test("even if it is canceled while steps run, and they complete too late", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      Promise.all([
        step.runAction(steps.echoAction, { value: 1 }),
        step.runMutation(steps.echo, { value: 2 }, { runAfter: 1000 }),
        step.sleep(1000),
      ]),
    );
    await cancel(t, id);
    await drain();
    expect(printed).toEqual([]);
  });
});

describe("at INFO, structured events as one JSON line each", () => {
  async function atInfo() {
    const t = newBackend();
    const { updateConfig } = component.utils;
    await callInternal(t, updateConfig, { logLevel: "INFO" });
    return t;
  }
  const anyNumber = expect.any(Number) as unknown;
  const anyId = expect.any(String) as unknown;

  test("cover a run from start to end", async () => {
    const t = await atInfo();
    const { workflowId } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 }, { name: "first" });
      await step.sleep(500);
    });
    const name = "workflows:workflow";
    const common = { component: "workflow", workflowId, workflowName: name };
    const ended = { status: "success", durationMs: anyNumber };
    const ofStep = (stepNumber: number, stepName: string) => {
      const step = { ...common, stepId: anyId, stepNumber, stepName };
      return [
        { ...step, event: "started" },
        { ...step, event: "stepCompleted", name: stepName, ...ended },
      ];
    };
    expect(events()).toEqual([
      { ...common, event: "started", name, status: "inProgress" },
      ...ofStep(0, "first"),
      ...ofStep(1, "sleep"),
      {
        ...common,
        event: "completed",
        name,
        ...ended,
        overallDurationMs: anyNumber,
      },
    ]);
    expect(printed.every(({ text }) => !text.includes("\n"))).toBe(true);
    expect(events().at(-1)!["durationMs"]).toBeGreaterThanOrEqual(500);
  });

  test("cover every step once: queries, actions, inline steps, children and failed steps", async () => {
    const t = await atInfo();
    script("handler", "child", async () => null);
    await runHandler(t, async (step) => {
      const value = 1;
      await step.runQuery(steps.echoQuery, { value }, { name: "query" });
      await step.runAction(steps.echoAction, { value }, { name: "action" });
      await step.runMutation(
        steps.echo,
        { value },
        { name: "inline", inline: true },
      );
      await step
        .runMutation(steps.fail, { message: "x" }, { name: "failing" })
        .catch(() => undefined);
      await step
        .awaitEvent({ name: "refused", id: "nothing" as never })
        .catch(() => undefined);
      await step.runWorkflow(
        workflows.workflow,
        { handler: "child" },
        { name: "child" },
      );
    });
    const told = events()
      .filter(({ event }) => event === "stepCompleted")
      .map(({ name, status }) => [name, status]);
    expect(told).toEqual([
      ["query", "success"],
      ["action", "success"],
      ["inline", "success"],
      ["failing", "failed"],
      ["refused", "failed"],
      ["child", "success"],
    ]);
    const started = events()
      .filter(({ event, stepName }) => event === "started" && stepName)
      .map(({ stepName }) => stepName);
    expect(started).toEqual(told.map(([name]) => name));
    const begun = events().filter(
      ({ event, stepName }) => event === "started" && !stepName,
    );
    const ended = events().filter(({ event }) => event === "completed");
    expect(begun).toHaveLength(2);
    expect(ended).toHaveLength(2);
  });

  test("cover events, awaited first or sent first", async () => {
    const t = await atInfo();
    const id = await startHandler(t, async (step) => {
      await step.awaitEvent({ name: "early" });
      await step.awaitEvent({ name: "late" });
    });
    for (const name of ["late", "early"])
      await t.mutation((ctx) =>
        sendEvent(ctx, components.workflow, { workflowId: id, name }),
      );
    await drain();
    const consumed = events().filter(({ event }) => event === "eventConsumed");
    expect(consumed).toMatchObject(
      ["early", "late"].map((name) => ({
        workflowId: id,
        workflowName: "workflows:workflow",
        eventId: anyId,
        name,
        stepId: anyId,
        status: "consumed",
        durationMs: anyNumber,
      })),
    );
    const completed = events().filter(({ event }) => event === "stepCompleted");
    expect(completed.map(({ name }) => name)).toEqual(["early", "late"]);
  });

  test("cover a restart as a retry with its first step, and a cancellation as an end", async () => {
    const t = await atInfo();
    const { workflowId } = await runHandler(t, (step) => step.sleep(1000));
    await restart(t, workflowId, { from: 0 });
    const name = "workflows:workflow";
    const common = { component: "workflow", workflowId, workflowName: name };
    const retries = events().filter(({ event }) => event === "retry");
    expect(retries).toEqual([{ ...common, event: "retry", name, from: 0 }]);
    await cancel(t, workflowId);
    await drain();
    expect(events().at(-1)).toMatchObject({
      event: "completed",
      workflowId,
      status: "canceled",
    });
  });

  test("cover failed attempts with the error, the next attempt and its time", async () => {
    const t = await atInfo();
    script("action", "flaky", () => {
      throw new Error("not today");
    });
    const retry = { maxAttempts: 3, initialBackoffMs: 1000, base: 2 };
    const { workflowId } = await runHandler(t, (step) =>
      step.runAction(steps.action, { name: "flaky" }, { retry, name: "flaky" }),
    );
    const retries = events().filter(({ event }) => event === "attemptFailed");
    expect(retries).toMatchObject([
      { attempt: 2, error: "not today" },
      { attempt: 3, error: "not today" },
    ]);
    for (const [at, told] of retries.entries()) {
      expect(told).toMatchObject({
        workflowId,
        workflowName: "workflows:workflow",
        stepId: anyId,
        stepNumber: 0,
        name: "flaky",
        status: "retrying",
        maxAttempts: 3,
      });
      const delay = told["durationMs"] as number;
      // The workpool's clock has units of 100 ms, and an attempt is due at the beginning of one.
      expect(delay).toBeGreaterThan(500 * 2 ** at - 100);
      expect(delay).toBeLessThanOrEqual(1500 * 2 ** at);
    }
    expect(events().at(-1)).toMatchObject({
      event: "completed",
      status: "failed",
    });
  });
});

describe("with the default level a failed run gets one warning:", () => {
  const warnings = () =>
    printed.filter(({ method }) => method === "warn").map(({ text }) => text);
  const OWN_FRAMES = /client\/(replay|turn|execution|define)|\n|node_modules/;

  test.each<[string, Handler, RegExp]>([
    [
      "an error that the handler throws, with the step before it and the handler's own line",
      async (step) => {
        await step.runMutation(steps.echo, { value: 1 }, { name: "pay" });
        throw new Error("no money");
      },
      /fails: no money, after step 0 "pay", in .*logging\.test\.ts:\d+:\d+\)?$/,
    ],
    [
      "a step's error that the handler doesn't catch, with the step's number and name",
      async (step) => {
        await step.runMutation(steps.echo, { value: 1 });
        await step.runMutation(steps.fail, { message: "x" }, { name: "pay" });
      },
      /fails: x, at step 1 "pay", in .*logging\.test\.ts:\d+:\d+\)?$/,
    ],
    [
      "an invalid return value",
      async (step) => {
        await step.sleep(1, { name: "nap" });
        return () => 1;
      },
      /fails: Invalid return value: .*, after step 0 "nap"/,
    ],
    [
      "a return value that can't be stored",
      async (step) => {
        await step.sleep(1, { name: "nap" });
        return "x".repeat(1_100_000);
      },
      /fails: The return value of workflow \S+ is too large: \d+ bytes.*, after step 0 "nap"/,
    ],
    [
      "an event that did not come in time, without the period at the end of its error",
      (step) => step.awaitEvent({ name: "late", timeout: 5000 }),
      /fails: Timed out: no event "late" came within 5000 ms, at step 0 "late", in /,
    ],
    [
      "a determinism violation",
      (() => {
        let turns = 0;
        return async (step) => {
          await step.sleep(1, { name: `nap ${turns++}` });
        };
      })(),
      /fails: .*Determinism violation in workflow \S+ at step 0: the name differs/,
    ],
    [
      "a journal too large",
      async (step) => {
        const input = "x".repeat(950_000);
        for (let n = 0; n < 10; n++)
          await step.runMutation(steps.mutation, { name: "take", input });
      },
      /fails: The journal of workflow \S+ is too large: \d+ bytes at step 8 "steps:mutation", the maximum .*, after step 8 "steps:mutation"/,
    ],
    [
      "an error whose message holds a stack",
      () => Promise.reject(new Error("x\n    at ours (client/replay/a.ts:1)")),
      /fails: x(, in .*)?$/,
    ],
  ])("%s", async (_what, handler, message) => {
    script("mutation", "take", () => null);
    const { workflowId } = await runHandler(newBackend(), handler);
    expect(warnings()).toEqual([expect.stringMatching(message)]);
    const [warning] = warnings();
    expect(warning).not.toMatch(OWN_FRAMES);
    const run = `Workflow ${workflowId} ("workflows:workflow") fails: `;
    expect(warning!.slice(0, run.length)).toBe(run);
  });

  test("an inline step's error has the line that called that step", async () => {
    const line = (error: Error) =>
      /logging\.test\.ts:(\d+)/.exec(error.stack!)![1];
    let called: string | undefined;
    await runHandler(newBackend(), async (step) => {
      await step.runMutation(steps.echo, { value: 1 }, { inline: true });
      called = line(new Error());
      await step.runMutation(steps.fail, { message: "x" }, { inline: true });
    });
    expect(warnings()).toEqual([
      expect.stringMatching(
        new RegExp(
          `fails: x, at step 1 "steps:fail", in .*logging\\.test\\.ts:${Number(called) + 1}:`,
        ),
      ),
    ]);
  });

  test.each<[string, Handler, RegExp]>([
    [
      "a child's failure",
      (step) => step.runWorkflow(workflows.workflow, { handler: "child" }),
      /fails: out of paper/,
    ],
    [
      "a child's deadline",
      (step) => step.runWorkflow(definitions.timesOut, {}),
      /fails: Workflow \S+ .* did not end within 1000 ms, after step 0 "never"$/,
    ],
  ])(
    "%s, which gets a line of its own, and its parent's names the child",
    async (_what, handler, message) => {
      const t = newBackend();
      script("handler", "child", async () => {
        throw new Error("out of paper");
      });
      const { workflowId } = await runHandler(t, handler);
      const [, child] = await rows(t, "workflows");
      const { _id, name } = child!;
      expect(warnings()).toEqual([
        expect.stringMatching(message),
        expect.stringMatching(
          `^Workflow ${workflowId} .* fails: its child ${_id} failed, at step 0 "${name}", in .*logging.test.ts:`,
        ),
      ]);
      expect(warnings()[0]).toContain(`Workflow ${_id} ("${name}") fails: `);
    },
  );

  test("a crashed turn's warning has the last step of the journal", async () => {
    let isGone = false;
    const t = newBackend({
      wrap: (modules, path) => {
        const file = "./app/workflows.ts";
        const load = modules[file];
        return path === "" && load
          ? { ...modules, [file]: async () => (isGone ? {} : await load()) }
          : modules;
      },
    });
    const workflowId = await startHandler(t, async (step) => {
      await step.sleep(1000, { name: "nap" });
    });
    isGone = true;
    await drain();
    expect(warnings()).toEqual([
      expect.stringMatching(
        new RegExp(
          `^Workflow ${workflowId} \\("workflows:workflow"\\) fails: .*workflow.*, after step 0 "nap"$`,
        ),
      ),
    ]);
    expect(warnings()[0]).not.toMatch(OWN_FRAMES);
  });

  test("and each failed step that nothing awaited also gets one, however the run ends", async () => {
    const waits: Handler = async (step) => {
      void step.runMutation(steps.fail, { message: "x" }, { name: "lost" });
      void step
        .runMutation(steps.fail, { message: "y" }, { name: "caught" })
        .catch(() => undefined);
      await step.sleep(1000);
    };
    const ends: Handler = async (step) => {
      void step.runMutation(steps.fail, { message: "x" }, { name: "lost" });
    };
    const endsInline: Handler = async (step) => {
      const lost = { name: "lost", inline: true } as const;
      void step.runMutation(steps.fail, { message: "x" }, lost);
    };
    const endsLater: Handler = async (step) => {
      await endsInline(step, undefined);
      await step.runQuery(steps.echoQuery, { value: 1 }, { inline: true });
    };
    const large = "x".repeat(1 << 20);
    const isRefused: Handler = async (step) => {
      void step.runMutation(steps.fail, { message: large }, { name: "lost" });
    };
    for (const handler of [waits, ends, endsInline, endsLater, isRefused]) {
      printed = [];
      const { workflowId, status } = await runHandler(newBackend(), handler);
      expect(status.type).toBe("completed");
      expect(warnings()).toEqual([
        expect.stringMatching(
          `^Step 0 "lost" of workflow ${workflowId} \\("workflows:workflow"\\) failed, and nothing awaited it: ${handler === isRefused ? ".*too large" : "x$"}`,
        ),
      ]);
    }
  });
});
