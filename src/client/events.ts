import type { RunResult } from "@convex-dev/workpool";
import { validate } from "convex-helpers/validators";
import type { Validator } from "convex/values";
import type { RunMutationCtx, WorkflowComponent } from "./types.js";
import type { EventId, WorkflowId } from "./validators.js";

/** An event's name and the type of its value, to be used by those who send it and await it. */
export type EventDefinition<
  Name extends string = string,
  V extends Validator<unknown, "required", string> = Validator<
    unknown,
    "required",
    string
  >,
> = { name: Name; validator: V };

/**
 * Defines an event, to spread into both sides:
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
 * Creates an event of a run in progress, to be awaited or sent by its id.
 *
 * @throws When the run is finished or unknown.
 */
export async function createEvent<Name extends string>(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  event: { name: Name; workflowId: WorkflowId },
): Promise<EventId<Name>> {
  const id: string = await ctx.runMutation(component.event.create, {
    name: event.name,
    workflowId: event.workflowId,
  });
  return id as EventId<Name>;
}

export type SentEvent<T = unknown, Name extends string = string> = (
  | { workflowId: WorkflowId; name: Name; id?: EventId<Name> }
  | { id: EventId<Name>; name?: Name; workflowId?: WorkflowId }
) &
  (
    | {
        /** Given to whoever awaits the event, if they say by a validator what they expect. */
        value?: T;
        /** Checks `value` here already. */
        validator?: Validator<T, "required" | "optional", string>;
        error?: undefined;
      }
    | {
        /** Makes the `awaitEvent` that takes the event throw. */
        error: string;
        value?: undefined;
        validator?: Validator<T, "required" | "optional", string>;
      }
  );

/**
 * Sends an event to a run: by name to whoever has waited longest, or to be kept until awaited; by
 * id to that one event.
 *
 * Runs in the caller's transaction. Called twice by name it sends two events.
 *
 * @returns The event's id.
 * @throws When the event was sent before, the run is finished or unknown, or the value is not what the validator
 * says; nothing is written then.
 */
export async function sendEvent<T = unknown, Name extends string = string>(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  event: SentEvent<T, Name>,
): Promise<EventId<Name>> {
  const id: string = await ctx.runMutation(component.event.send, {
    eventId: event.id,
    name: event.name,
    workflowId: event.workflowId,
    result: resultOf(event),
  });
  return id as EventId<Name>;
}

function resultOf(event: SentEvent<unknown>): RunResult {
  if (event.error !== undefined) return { kind: "failed", error: event.error };
  const { validator, value } = event;
  if (validator) {
    try {
      const isLeftOut =
        value === undefined && validator.isOptional === "optional";
      if (!isLeftOut) validate(validator, value ?? null, { throw: true });
    } catch (error) {
      throw new Error(
        `Invalid value for event "${event.name ?? event.id}": ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
  return { kind: "success", returnValue: value ?? null };
}
