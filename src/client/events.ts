import type { Validator } from "convex/values";
import type { RunResult } from "../shared/outcome.js";
import { invalidArgument } from "../shared/errors.js";
import { abbreviate } from "../shared/storable.js";
import type { RunMutationCtx, WorkflowComponent } from "./types.js";
import { changeRun, checkRunId, explained, requireMutations } from "./calls.js";
import { parse } from "./parse.js";
import { checkOptions } from "./options.js";
import type { EventId } from "./ids.js";

/** An event's name and value type, for senders and waits. */
export type EventDefinition<
  Name extends string = string,
  V extends Validator<unknown, "required", string> = Validator<
    unknown,
    "required",
    string
  >,
> = { name: Name; validator: V };

/**
 * Defines an event. Spread it into both sides:
 *
 * ```ts
 * const approval = defineEvent({
 *   name: "approval",
 *   validator: v.object({ approved: v.boolean() }),
 * });
 * // In a handler:
 * const { approved } = await step.awaitEvent(approval);
 * // Elsewhere:
 * await sendEvent(ctx, components.workflow, {
 *   ...approval,
 *   workflowId,
 *   value: { approved: true },
 * });
 * ```
 */
export function defineEvent<
  const Name extends string,
  V extends Validator<unknown, "required", string>,
>(definition: EventDefinition<Name, V>): EventDefinition<Name, V> {
  return definition;
}

/**
 * Creates an event of a run, so that you can await and send it by its id. A finished run keeps the
 * event until cleanup, and you get a warning. If the run was cleaned up, nothing is kept.
 *
 * @throws If you pass anything but a run's id.
 */
export async function createEvent<Name extends string>(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  event: { name: Name; workflowId: string },
): Promise<EventId<Name>> {
  checkOptions("createEvent", event, "createEvent", "spread");
  const { name, workflowId } = event;
  const { create } = component.event;
  const args = { name, workflowId };
  const id = await changeRun(ctx, "create an event", create, args);
  return id as EventId<Name>;
}

export type SentEvent<T = unknown, Name extends string = string> = (
  | { workflowId: string; name: Name; id?: EventId<Name> | string }
  | { id: EventId<Name> | string; name?: Name; workflowId?: string }
) &
  (
    | {
        /** The result of the `awaitEvent` that consumes the event. */
        value?: T;
        /** Checks `value` when you send it, and drops fields that it doesn't name. */
        validator?: Validator<T, "required" | "optional", string>;
        error?: undefined;
      }
    | {
        /** Makes the `awaitEvent` that consumes the event throw. */
        error: string;
        value?: undefined;
        validator?: Validator<T, "required" | "optional", string>;
      }
  ) & {
    /**
     * Throw if the run has finished or was cleaned up, instead of logging a warning, or if you pass
     * `id` and `workflowId` and that run has no such event. The error is a `ConvexError` whose
     * `data.code` is `WORKFLOW_FINISHED`, `WORKFLOW_NOT_FOUND` or `EVENT_NOT_FOUND`. Default: false.
     */
    strict?: boolean;
  };

/**
 * Sends an event to a run, in your transaction. By name, the wait that began first consumes it, or it
 * is kept for the next wait. By id, you send that one event, whatever `name` is.
 *
 * If you call twice by name, you send two events. A finished run keeps the event until cleanup, and a
 * restart finds it. If the run was cleaned up, nothing is kept. In both cases you get a warning. Pass
 * `strict` to throw instead.
 *
 * @returns The event's id.
 * @throws If the event was sent before, or the value doesn't match the validator. Nothing is
 * written then.
 */
export async function sendEvent<T = unknown, Name extends string = string>(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  event: SentEvent<T, Name>,
): Promise<EventId<Name>> {
  requireMutations(ctx, "send an event");
  checkOptions("event", event ?? null, "sendEvent", "spread");
  if (event.workflowId !== undefined) checkRunId(event.workflowId);
  const sent: Promise<string> = ctx.runMutation(component.event.send, {
    eventId: event.id,
    name: event.name,
    workflowId: event.workflowId,
    result: resultOf(event),
    strict: event.strict,
  });
  return (await explained(ctx, "Can't send an event", sent)) as EventId<Name>;
}

function resultOf(event: SentEvent<unknown>): RunResult {
  if (event.error !== undefined) return { kind: "failed", error: event.error };
  return { kind: "success", returnValue: parsedValue(event) ?? null };
}

function parsedValue(event: SentEvent<unknown>): unknown {
  const { validator, value, name, id } = event;
  const isLeftOut = value === undefined && validator?.isOptional === "optional";
  if (!validator || isLeftOut) return value;
  try {
    return parse(validator, value ?? null);
  } catch (error) {
    throw invalidArgument(
      `Invalid value for event "${abbreviate(name ?? id ?? "")}": ${(error as Error).message}`,
    );
  }
}
