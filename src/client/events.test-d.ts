import { v, type Infer, type VBoolean, type VObject } from "convex/values";
import { describe, expectTypeOf, test } from "vitest";
import {
  component,
  manager,
  mutationCtx as ctx,
  step,
  workflowId,
} from "../testing/typed/given.js";
import {
  createEvent,
  defineEvent,
  sendEvent,
  vEventId,
  type EventId,
  type WorkflowId,
} from "./index.js";

type Approval = { approved: boolean };
type ApprovalId = EventId<"approval">;
declare const id: ApprovalId;
const validator = v.object({ approved: v.boolean() });
const approval = defineEvent({ name: "approval", validator });
const value = { approved: true };

test("an event's id is a string whose type has the event's name", () => {
  expectTypeOf<EventId<"a">>().toExtend<string>();
  expectTypeOf<EventId<"a">>().toExtend<EventId>();
  expectTypeOf<EventId<"a">>().not.toExtend<EventId<"b">>();
  expectTypeOf<string>().not.toExtend<EventId>();
  expectTypeOf<WorkflowId>().not.toExtend<EventId>();
  expectTypeOf<Infer<ReturnType<typeof vEventId>>>().toEqualTypeOf<EventId>();
  expectTypeOf(vEventId("approval").type).toEqualTypeOf<ApprovalId>();
  expectTypeOf(vEventId<"approval">().type).toEqualTypeOf<ApprovalId>();
});

test("defineEvent keeps the types of the name and the validator", () => {
  expectTypeOf(approval).toEqualTypeOf<{
    name: "approval";
    validator: VObject<Approval, { approved: VBoolean }>;
  }>();
});

test("createEvent and sendEvent return an id with the event's name", () => {
  const event = { name: "approval", workflowId } as const;
  expectTypeOf([
    createEvent(ctx, component, event),
    createEvent(ctx, component, { name: "approval", workflowId }),
    manager.createEvent(ctx, { name: "approval", workflowId }),
    sendEvent(ctx, component, { id }),
    sendEvent(ctx, component, { workflowId, name: "approval", value }),
    manager.sendEvent(ctx, { ...approval, workflowId, value }),
  ] as const).toEqualTypeOf<
    readonly [
      Promise<ApprovalId>,
      Promise<ApprovalId>,
      Promise<ApprovalId>,
      Promise<ApprovalId>,
      Promise<ApprovalId>,
      Promise<ApprovalId>,
    ]
  >();
  void createEvent(ctx, component, { name: "approval", workflowId: "abc" });
});

describe("awaitEvent", () => {
  test("resolves to the validator's type, or to unknown without one", () => {
    const nullable = v.union(v.string(), v.null());
    expectTypeOf({
      byName: step.awaitEvent({ name: "a", validator }),
      byId: step.awaitEvent({ id, validator }),
      defined: step.awaitEvent(approval),
      timed: step.awaitEvent({ ...approval, timeout: 1 }),
      parameters: step.awaitEvent<Approval, "approval">({ id, validator }),
      parameter: step.awaitEvent<Approval>({ name: "approval" }),
      nothing: step.awaitEvent({ name: "a", validator: v.null() }),
      nullable: step.awaitEvent({ name: "a", validator: nullable }),
      optional: step.awaitEvent({
        name: "a",
        validator: v.optional(v.string()),
      }),
      unknownByName: step.awaitEvent({ name: "a" }),
      unknownById: step.awaitEvent({ id }),
    }).toEqualTypeOf<{
      byName: Promise<Approval>;
      byId: Promise<Approval>;
      defined: Promise<Approval>;
      timed: Promise<Approval>;
      parameters: Promise<Approval>;
      parameter: Promise<Approval>;
      nothing: Promise<null>;
      nullable: Promise<string | null>;
      optional: Promise<string | undefined>;
      unknownByName: Promise<unknown>;
      unknownById: Promise<unknown>;
    }>();
    // @ts-expect-error -- A validator of another type.
    void step.awaitEvent<string, "approval">({ id, validator });
  });

  test("needs a name or an id, and accepts a timeout in milliseconds", () => {
    // @ts-expect-error -- Which event?
    void step.awaitEvent({});
    // @ts-expect-error -- Which event?
    void step.awaitEvent({ validator });
    void step.awaitEvent({ id: "abc" });
    void step.awaitEvent({ name: "approval", id });
    void step.awaitEvent({ name: "a", timeout: 1000 });
    // @ts-expect-error -- A number, that is.
    void step.awaitEvent({ name: "a", timeout: "1 s" });
  });
});

describe("sendEvent", () => {
  test("needs an id, or a name and a run", () => {
    // @ts-expect-error -- Of which run?
    void sendEvent(ctx, component, { name: "approval" });
    // @ts-expect-error -- Which event?
    void sendEvent(ctx, component, { workflowId });
    void sendEvent(ctx, component, { id: "abc" });
    void sendEvent(ctx, component, { name: "approval", workflowId: "abc" });
    void sendEvent(ctx, component, { id, name: "approval", workflowId });
  });

  test("accepts an error, or a value that matches the validator, if any", () => {
    const defined = { ...approval, workflowId };
    const wrong = { ...defined, value: { approved: "yes" } };
    void sendEvent(ctx, component, { id, value: "whatever" });
    void sendEvent(ctx, component, { id, value, validator });
    void sendEvent(ctx, component, { ...defined, value });
    void sendEvent(ctx, component, { id, error: "Declined" });
    void sendEvent(ctx, component, { ...defined, error: "Declined" });
    void sendEvent<Approval, "approval">(ctx, component, { id, value });
    // @ts-expect-error -- Not what the validator says.
    void sendEvent(ctx, component, { id, validator, value: "yes" });
    // @ts-expect-error -- Not what the validator says.
    void sendEvent(ctx, component, wrong);
    // @ts-expect-error -- Not what the type parameter says.
    void sendEvent<Approval>(ctx, component, { id, value: "yes" });
    // @ts-expect-error -- Pass only one of them.
    void sendEvent(ctx, component, { id, value, error: "Declined" });
    // @ts-expect-error -- An error is text.
    void sendEvent(ctx, component, { id, error: new Error("Declined") });
  });
});
