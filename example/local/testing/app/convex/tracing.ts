import type { WorkflowCtx } from "@convex-dev/workflow";
import { v } from "convex/values";
import { api } from "./references.js";

/** What a handler has been told: a result or an error, by step name. */
export type Trace = Record<string, { value: unknown } | { error: string }>;

export type Tracer = ReturnType<typeof tracer>;

/**
 * Steps named after what they do to whom. `issue` gives their promises as they are, `see` those
 * that never reject and that note in `trace` what the handler was told.
 */
export function tracer(step: WorkflowCtx, run: string) {
  const args = (key: string) => ({ run, key });

  const issue = {
    read: (name: string, inline = false): Promise<unknown> =>
      step.runQuery(api.steps.read, args(name), { name, inline }),
    write: (name: string, inline = false): Promise<unknown> =>
      step.runMutation(api.steps.write, args(name), { name, inline }),
    refuse: (name: string): Promise<unknown> =>
      step.runMutation(api.steps.refuse, args(name), { name }),
    act: (name: string, failures = 0, maxAttempts = 1): Promise<unknown> =>
      step.runAction(
        api.steps.act,
        { ...args(name), failures },
        { name, retry: { maxAttempts, initialBackoffMs: 50, base: 2 } },
      ),
    sleep: (name: string, ms: number): Promise<unknown> =>
      step.sleep(ms, { name }),
    event: (name: string, timeout: number): Promise<unknown> =>
      step.awaitEvent({ name, timeout, validator: v.string() }),
    child: (name: string, program: string): Promise<unknown> =>
      step.runWorkflow(
        api.programs[program],
        { run: `${run}/${name}` },
        { name },
      ),
  };

  const trace: Trace = {};
  const note = async (name: string, result: Promise<unknown>) => {
    try {
      trace[name] = { value: await result };
    } catch (error) {
      trace[name] = { error: (error as Error).message };
    }
  };
  const noted =
    <Rest extends unknown[]>(
      ask: (name: string, ...rest: Rest) => Promise<unknown>,
    ) =>
    (name: string, ...rest: Rest) =>
      note(name, ask(name, ...rest));

  const see = {
    read: noted(issue.read),
    write: noted(issue.write),
    refuse: noted(issue.refuse),
    act: noted(issue.act),
    sleep: noted(issue.sleep),
    event: noted(issue.event),
    child: noted(issue.child),
  };
  return { issue, see, note, trace };
}
