import { getFunctionAddress, getFunctionName } from "convex/server";
import { jsonToConvex, type JSONValue, type Validator } from "convex/values";
import { MAX_PROGRESS_BYTES } from "../../shared/limits.js";
import { retryProblem } from "../../shared/retry.js";
import {
  abbreviate,
  hasHalves,
  nameProblem,
  preview,
  sizeOf,
  storageProblem,
  withoutHalves,
} from "../../shared/storable.js";
import type { AwaitedEvent, WorkflowCtx } from "../context.js";
import { checkOptions, shown } from "../options.js";
import { parse } from "../parse.js";
import { toJson } from "../unsupported.js";
import type { AnyRef, FunctionKind, StepRequest } from "../replay/journal.js";
import type { HandlerReplay } from "../replay/turn.js";
import type {
  InlineOptions,
  RetryOption,
  RunOptions,
  StepDefaults,
  WorkflowComponent,
} from "../types.js";
import type { WorkflowId } from "../ids.js";

type CallOptions = RunOptions &
  InlineOptions &
  RetryOption & { [STARTS_RUN]?: boolean };

/** Marks the call of a mutation that starts a run. See `start`. */
export const STARTS_RUN = Symbol("starts a run");

/** The rules of a run, for this package's functions that get its step context as their ctx. */
export interface StepRules {
  /**
   * The run began under 0.4. Names may have any length, unknown options are ignored, and this package's functions
   * record the same calls as 0.4 if they get `step` as their ctx.
   */
  isLegacy: boolean;
  component: string;
  workflowId: WorkflowId;
}

const RULES = Symbol("rules of a step context");

/** Returns the rules of a ctx that is a step context or a copy of one, or undefined for any other ctx. */
export const rulesOf = (ctx: object): StepRules | undefined =>
  (ctx as { [RULES]?: StepRules })[RULES];

/** A run's replay, seen from its step context. */
export interface StepReplay extends HandlerReplay {
  setProgress(value: unknown): void;
}

/**
 * Creates the step context of a handler. An invalid call rejects without being recorded, because replay makes the same
 * call and refuses it again.
 */
export function createStepContext(
  rules: StepRules,
  replay: StepReplay,
  meta?: WorkflowCtx["meta"],
  defaults?: StepDefaults,
): WorkflowCtx {
  const withDefaults = (kind: string, options?: CallOptions) =>
    defaults
      ? ({
          ...options,
          unstableArgs: options?.unstableArgs ?? defaults.unstableArgs,
          retry:
            options?.retry ?? (kind === "action" ? defaults.retry : undefined),
        } as CallOptions)
      : options;
  const issue = (request: () => StepRequest) => {
    try {
      return replay.request(request());
    } catch (error) {
      // As with any step, the handler need not await it.
      const refused = Promise.reject<unknown>(error);
      refused.catch(() => undefined);
      return refused;
    }
  };
  const call =
    (kind: FunctionKind | "workflow") =>
    (target: AnyRef, args?: unknown, options?: CallOptions) =>
      issue(() =>
        functionRequest(
          kind,
          target,
          args ?? {},
          withDefaults(kind, options),
          rules,
          replay,
        ),
      );
  const context = {
    [RULES]: rules,
    workflowId: rules.workflowId,
    meta,
    runQuery: call("query"),
    runMutation: call("mutation"),
    runAction: call("action"),
    runWorkflow: call("workflow"),
    sleep(duration: number, options?: { name?: string }) {
      return issue(() => sleepRequest(duration, options, rules));
    },
    awaitEvent(event: AwaitedEvent<unknown, string>) {
      return issue(() => eventRequest(event, rules));
    },
    patched(id: string) {
      return replay.patched(patch(id, rules), true);
    },
    deprecatePatch(id: string) {
      replay.patched(patch(id, rules), false);
    },
    setProgress(value: unknown) {
      replay.setProgress(progressFrom(value));
    },
    withOptions(more: StepDefaults = {}) {
      if (!rules.isLegacy) checkOptions("withOptions", more);
      const given = Object.entries(more).filter(
        ([, value]) => value !== undefined,
      );
      return createStepContext(rules, replay, meta, {
        ...defaults,
        ...Object.fromEntries(given),
      });
    },
  };
  // On the prototype, so that copies and `in` don't see these properties.
  if (!rules.isLegacy) Object.setPrototypeOf(context, NOT_A_STEP);
  return context as unknown as WorkflowCtx;
}

const ONLY_IN_STEPS = new Set<string | symbol>([
  ...["db", "scheduler", "auth", "storage", "vectorSearch"],
]);

/** Throws for properties that `step` lacks, to code that mistakes it for the ctx of a mutation or an action. */
const NOT_A_STEP = new Proxy(Object.prototype, {
  get(target, key, receiver) {
    if (ONLY_IN_STEPS.has(key))
      throw new Error(
        `A workflow's handler has no ctx.${String(key)}, because its code runs again and again. Use it in a query, ` +
          `mutation or action, and call that as a step, such as step.runMutation(internal.file.name, args).`,
      );
    return Reflect.get(target, key, receiver) as unknown;
  },
});

function functionRequest(
  kind: FunctionKind | "workflow",
  target: AnyRef,
  args: unknown,
  options: CallOptions | undefined,
  rules: StepRules,
  replay: StepReplay,
): StepRequest {
  const name = checkName(options?.name ?? nameOfReference(target, kind), rules);
  if (options) {
    if (!rules.isLegacy) {
      checkOptions("step", options, `step "${name}"`);
      if (typeof options.retry === "object")
        checkOptions("retry", options.retry, `step "${name}": retry`);
    }
    refuseOptions(kind, name, options);
  }
  return {
    kind: kind === "workflow" ? kind : "function",
    functionType: kind === "workflow" ? undefined : kind,
    name,
    // Arguments that the journal holds need no copy, because they are compared only with themselves.
    args:
      replay.recordedArgs(args) ??
      storedCopy(`Invalid arguments of step "${name}"`, args),
    unstableArgs: options?.unstableArgs,
    inline: options?.inline,
    target,
    retry: kind === "action" ? options?.retry : undefined,
    runAt: options?.runAt,
    runAfter: options?.runAfter,
    transactionLimits: options?.transactionLimits,
    startsRun: options?.[STARTS_RUN],
  };
}

function refuseOptions(kind: string, name: string, options: CallOptions) {
  const { inline, runAt, runAfter, transactionLimits, retry } = options;
  const refuse = (why: string) => {
    throw new Error(`Invalid options of step "${name}": ${why}`);
  };
  if (runAt !== undefined && runAfter !== undefined)
    refuse("runAt and runAfter exclude each other. Give one of them.");
  for (const [option, ms] of Object.entries({ runAt, runAfter }))
    if (ms !== undefined && !Number.isFinite(ms))
      refuse(
        `${option} is ${shown(ms)}. Expected milliseconds, as a finite number.`,
      );
  if (!inline && transactionLimits !== undefined)
    refuse("transactionLimits needs inline: true.");
  if (inline && (kind === "action" || kind === "workflow"))
    refuse(
      `inline is for queries and mutations, this is ${withArticle(kind)}. Leave it out.`,
    );
  // 0.4 accepts 0, so this does too.
  if (inline && (runAt || runAfter))
    refuse(
      "an inline step runs at once, so it can't have runAt or runAfter. Leave out one or the other.",
    );
  if (kind === "workflow" && retry !== undefined)
    refuse("retry is for actions, this is a workflow. Leave it out.");
  if (kind !== "action" || retry === undefined || typeof retry === "boolean")
    return;
  const bad =
    typeof retry === "object"
      ? retryProblem("retry", retry)
      : `retry is ${String(retry)}. Expected true, false, or an object with maxAttempts, initialBackoffMs and base.`;
  if (bad) refuse(bad);
}

function checkName(name: string, { isLegacy }: StepRules): string {
  if (hasHalves(name))
    throw new Error(
      `The name "${withoutHalves(abbreviate(name))}" holds half a character (a lone surrogate), which can't be stored.`,
    );
  const problem = nameProblem("The name", name);
  if (problem && !isLegacy) throw new Error(problem);
  return name;
}

/**
 * Returns the name of a step's target. For a component's function, `component/module/function`. For a handle, its text.
 *
 * @param refused - Creates the error if `target` isn't a reference.
 */
export function nameOf(
  target: AnyRef,
  refused?: (cause: unknown) => Error,
): string {
  try {
    const { name, reference, functionHandle } = getFunctionAddress(target);
    return (
      name ??
      reference?.replace(/^_reference\/childComponent\//, "") ??
      functionHandle?.replace(/^function:\/\//, "") ??
      getFunctionName(target)
    );
  } catch (cause) {
    throw refused?.(cause) ?? cause;
  }
}

/**
 * Like `nameOf`. If `target` isn't a reference, the error names `taker` and the expected kind. By default, `taker` is the
 * method of `step` for this kind.
 */
export function nameOfReference(
  target: AnyRef,
  kind: string,
  taker = `step.run${kind[0]!.toUpperCase()}${kind.slice(1)}`,
): string {
  return nameOf(target, (cause) => {
    // A registered function is also a JavaScript function.
    const given =
      typeof target === "function" ? "the function itself" : preview(target);
    return new Error(
      `${taker} takes ${withArticle(kind)}'s reference, not ${given}. Pass it as internal.file.name or api.file.name.`,
      { cause },
    );
  });
}

const withArticle = (kind: string) =>
  kind === "action" ? "an action" : `a ${kind}`;

/** The path at which a component is mounted, such as `workflow` or `outer/workflow`. */
export const componentName = ({ workflow }: WorkflowComponent): string =>
  nameOf(workflow.create).replace(/\/workflow\/create$/, "");

/** Copies the arguments in their stored form, so that later changes by the handler don't affect them. */
function storedCopy(where: string, args: unknown): Record<string, unknown> {
  if (typeof args !== "object" || args === null || Array.isArray(args))
    throw new Error(`${where}: expected an object, not ${String(args)}.`);
  return storedForm(where, args) as Record<string, unknown>;
}

/** Converts to the stored form. As in JSON, an array's holes become null. */
const storedForm = (where: string, value: unknown): unknown =>
  jsonToConvex(JSON.parse(JSON.stringify(toJson(where, value))) as JSONValue);

/** Copies a handler's value for `setProgress`. */
function progressFrom(value: unknown): unknown {
  const progress = storedForm("Invalid progress", value);
  const problem = storageProblem("The progress", progress);
  if (problem) throw new Error(problem);
  const size = sizeOf(progress);
  if (size <= MAX_PROGRESS_BYTES) return progress;
  throw new Error(
    `The progress is too large: ${size} bytes, the maximum is ${MAX_PROGRESS_BYTES} bytes. Pass a summary, such as ` +
      `{ done: 3, total: 10 }, and store the rest in a table of your own.`,
  );
}

function sleepRequest(
  duration: number,
  options: { name?: string } = {},
  rules: StepRules,
): StepRequest {
  if (!rules.isLegacy) checkOptions("step.sleep", options);
  const name = checkName(options.name ?? "sleep", rules);
  if (!Number.isFinite(duration))
    throw new Error(
      `Invalid duration of step "${name}": ${shown(duration)}. Expected milliseconds, as a finite number, such as 24 * 60 * 60 * 1000 for a day.`,
    );
  return {
    kind: "sleep",
    name,
    args: {},
    unstableArgs: true,
    runAfter: Math.max(0, duration),
    parse: () => undefined,
  };
}

function patch(id: string, rules: StepRules): StepRequest {
  if (typeof id !== "string" || id === "")
    throw new Error(
      `Invalid id of a patch: ${preview(id)}. Expected a text, such as "notify-customer".`,
    );
  return {
    kind: "patch",
    name: checkName(id, rules),
    args: {},
    unstableArgs: true,
  };
}

function eventRequest(
  event: AwaitedEvent<unknown, string>,
  rules: StepRules,
): StepRequest {
  if (typeof event !== "object" || event === null)
    throw new Error(
      `awaitEvent takes an object with the event's name or its id, such as { name: "approved" }, not ${shown(event)}.`,
    );
  if (!rules.isLegacy) checkOptions("event", event, "awaitEvent", "spread");
  const { id, timeout, validator } = event;
  const name = event.name ?? id;
  if (name === undefined)
    throw new Error("awaitEvent needs the event's name or its id.");
  checkName(name, rules);
  if (timeout !== undefined && !(timeout >= 0 && Number.isFinite(timeout)))
    throw new Error(
      `Invalid timeout of event "${name}": ${shown(timeout)}. Expected milliseconds from 0.`,
    );
  return {
    kind: "event",
    name,
    args: id === undefined ? {} : { eventId: id },
    timeoutMs: timeout,
    parse: (value) => (validator ? parsed(name, validator, value) : value),
  };
}

function parsed(
  name: string,
  validator: Validator<unknown, "required" | "optional", string>,
  value: unknown,
): unknown {
  try {
    return parse(validator, value);
  } catch (error) {
    // An omitted value is stored as null.
    if (value === null && validator.isOptional === "optional") return undefined;
    throw new Error(
      `The value sent for event "${abbreviate(name)}" is not what awaitEvent expects: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
