/// <reference types="vite/client" />
import { getStatus, type WorkflowId } from "@convex-dev/workflow";
import {
  finishWorkflows,
  register,
  waitForRun,
} from "@convex-dev/workflow/test";
import { convexTest } from "convex-test";
import { anyApi } from "convex/server";
import { expect, vi } from "vitest";
import { components } from "./convex/_generated/api.js";
import schema from "./convex/schema.js";

const MAX_HOPS = 5000;

interface Registered {
  isQuery?: boolean;
  isMutation?: boolean;
  isAction?: boolean;
  exportArgs?: () => string;
}
type Kind =
  | "completed"
  | "failed"
  | "canceled"
  | "cleaned up"
  | "waits"
  | "throws"
  | "value";

/** Executes an example's conversation with an app. */
export function newSession(modules: Record<string, () => Promise<unknown>>) {
  vi.useFakeTimers();
  const t = convexTest(schema, modules);
  register(t);
  let workflowId: WorkflowId | undefined;

  const status = () =>
    t.query((ctx) => getStatus(ctx, components.workflow, workflowId!));

  /** Runs everything that is due and everything that it starts. No wait ends. */
  const settle = () =>
    t.finishAllScheduledFunctions(() => vi.advanceTimersByTime(100), MAX_HOPS);

  async function invoke(module: string, name: string, args: object) {
    const load = modules[`./convex/${module}.ts`];
    if (!load) throw new Error(`The app has no file convex/${module}.ts`);
    const found = ((await load()) as Record<string, Registered>)[name];
    if (!found) throw new Error(`convex/${module}.ts exports no ${name}`);
    const ref = anyApi[module]![name]!;
    const isWorkflow = found.exportArgs?.().includes('"generationNumber"');
    const given = isWorkflow ? { args } : args;
    const value: unknown = await callOf(found)(ref, given);
    if (typeof value === "string" && (isWorkflow || (await isRun(value))))
      workflowId = value as WorkflowId;
    return value;
  }

  /** Calls a mutation or an action, because a reference doesn't tell its kind. */
  async function runInComponent(ref: never, args: object) {
    try {
      await t.mutation((ctx) => ctx.runMutation(ref, args as never));
    } catch (error) {
      if (!String(error).includes("Expected a mutation function")) throw error;
      await t.action((ctx) => ctx.runAction(ref, args as never));
    }
  }

  type Call = (ref: unknown, args: object) => Promise<unknown>;
  const callOf = ({ isQuery, isMutation }: Registered) =>
    (isQuery ? t.query : isMutation ? t.mutation : t.action) as Call;

  const isRun = async (id: string) => {
    try {
      await t.query((ctx) =>
        getStatus(ctx, components.workflow, id as WorkflowId),
      );
      return true;
    } catch {
      return false;
    }
  };

  /** Checks the status of the run that was started last. */
  async function expectRun(kind: Kind, expected: unknown) {
    if (kind === "waits") {
      await settle();
      const now = await status();
      expect(now.type).toBe("inProgress");
      expect(
        now.type === "inProgress" && now.running.map(({ name }) => name),
      ).toEqual(expected);
      return;
    }
    await finishWorkflows(t);
    if (kind === "cleaned up") {
      await expect(status()).rejects.toThrow("Workflow not found");
      return;
    }
    // Examples read a run's progress themselves.
    const { progress: _, ...now } = await waitForRun(t, workflowId!);
    if (kind === "failed") {
      expect(now.type).toBe("failed");
      expect(now.type === "failed" && now.error).toContain(expected);
    } else
      expect(now).toEqual(
        kind === "completed"
          ? { type: "completed", result: expected }
          : { type: "canceled" },
      );
  }

  return {
    /** Calls a function and checks its expected result. */
    async call(
      module: string,
      name: string,
      args: (workflowId: unknown) => object,
      kind: Kind,
      expected: (workflowId: unknown) => unknown,
    ) {
      const called = invoke(module, name, args(workflowId));
      if (kind === "throws") {
        await expect(called).rejects.toThrow(expected(workflowId) as string);
        return;
      }
      const value = await called;
      if (kind !== "value") return await expectRun(kind, expected(workflowId));
      await settle();
      expect(value).toEqual(expected(workflowId));
    },

    async expectNext(kind: Kind, expected: (workflowId: unknown) => unknown) {
      await expectRun(kind, expected(workflowId));
    },

    /** Works like `npx convex run`. Text in angle brackets stands for the run that was started last. */
    async run(component: string, path: string, json: string) {
      const args = JSON.parse(
        json.replace(/"<[^>]*>"/g, JSON.stringify(workflowId ?? "")),
      ) as object;
      const [module, name] = path.split(":") as [string, string];
      if (component === "") {
        const isNested = Object.keys(args).join() === "args";
        await invoke(
          module,
          name,
          isNested ? (args as { args: object }).args : args,
        );
      } else {
        const ref = (components as never)[component]![module]![name]! as never;
        await runInComponent(ref, args);
      }
      await settle();
      expect(true).toBe(true);
    },
  };
}
