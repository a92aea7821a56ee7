import type { GenericDataModel, GenericMutationCtx } from "convex/server";
import { v, type Infer, type VBoolean, type VObject } from "convex/values";
import { describe, expectTypeOf, test } from "vitest";
import { components } from "../testing/typed/api.js";
import {
  createEvent,
  defineEvent,
  sendEvent,
  vEventId,
  WorkflowManager,
  type EventId,
  type WorkflowCtx,
  type WorkflowId,
} from "./index.js";

declare const ctx: GenericMutationCtx<GenericDataModel>;
declare const step: WorkflowCtx;
declare const workflowId: WorkflowId;
declare const id: EventId<"approval">;
const component = components.workflow;
const manager = new WorkflowManager(component);

const approval = defineEvent({
  name: "approval",
  validator: v.object({ approved: v.boolean() }),
});
const validator = v.object({ approved: v.boolean() });
const value = { approved: true };

test("an event's id is a string that knows the event's name", () => {
  expectTypeOf<EventId<"a">>().toExtend<string>();
  expectTypeOf<EventId<"a">>().toExtend<EventId>();
  expectTypeOf<EventId<"a">>().not.toExtend<EventId<"b">>();
  expectTypeOf<string>().not.toExtend<EventId>();
  expectTypeOf<WorkflowId>().not.toExtend<EventId>();
  expectTypeOf<Infer<ReturnType<typeof vEventId>>>().toEqualTypeOf<EventId>();
  expectTypeOf(vEventId("approval").type).toEqualTypeOf<EventId<"approval">>();
  expectTypeOf(vEventId<"approval">().type).toEqualTypeOf<
    EventId<"approval">
  >();
});

test("createEvent returns an id of the event's name", () => {
  const event = { name: "approval", workflowId } as const;
  expectTypeOf(createEvent(ctx, component, event)).toEqualTypeOf<
    Promise<EventId<"approval">>
  >();
  expectTypeOf(
    createEvent(ctx, component, { name: "approval", workflowId }),
  ).toEqualTypeOf<Promise<EventId<"approval">>>();
  expectTypeOf(
    manager.createEvent(ctx, { name: "approval", workflowId }),
  ).toEqualTypeOf<Promise<EventId<"approval">>>();
  void createEvent(ctx, component, { name: "approval", workflowId: "abc" });
});

test("defineEvent keeps the name and the validator as they are", () => {
  expectTypeOf(approval).toEqualTypeOf<{
    name: "approval";
    validator: VObject<{ approved: boolean }, { approved: VBoolean }>;
  }>();
});

describe("awaitEvent", () => {
  test("resolves to the type of the validator", () => {
    expectTypeOf(step.awaitEvent({ name: "a", validator })).toEqualTypeOf<
      Promise<{ approved: boolean }>
    >();
    expectTypeOf(step.awaitEvent({ id, validator })).toEqualTypeOf<
      Promise<{ approved: boolean }>
    >();
    expectTypeOf(step.awaitEvent(approval)).toEqualTypeOf<
      Promise<{ approved: boolean }>
    >();
    expectTypeOf(step.awaitEvent({ ...approval, timeout: 1 })).toEqualTypeOf<
      Promise<{ approved: boolean }>
    >();
    expectTypeOf(
      step.awaitEvent({ name: "a", validator: v.null() }),
    ).toEqualTypeOf<Promise<null>>();
    expectTypeOf(
      step.awaitEvent({ name: "a", validator: v.union(v.string(), v.null()) }),
    ).toEqualTypeOf<Promise<string | null>>();
    expectTypeOf(
      step.awaitEvent({ name: "a", validator: v.optional(v.string()) }),
    ).toEqualTypeOf<Promise<string | undefined>>();
  });

  test("without a validator resolves to something unknown", () => {
    expectTypeOf(step.awaitEvent({ name: "a" })).toEqualTypeOf<
      Promise<unknown>
    >();
    expectTypeOf(step.awaitEvent({ id })).toEqualTypeOf<Promise<unknown>>();
  });

  test("has the value's type and the event's name as type parameters", () => {
    expectTypeOf(
      step.awaitEvent<{ approved: boolean }, "approval">({ id, validator }),
    ).toEqualTypeOf<Promise<{ approved: boolean }>>();
    expectTypeOf(
      step.awaitEvent<{ approved: boolean }>({ name: "approval" }),
    ).toEqualTypeOf<Promise<{ approved: boolean }>>();
    // @ts-expect-error -- A validator of another type.
    void step.awaitEvent<string, "approval">({ id, validator });
  });

  test("needs a name or an id", () => {
    // @ts-expect-error -- Which event?
    void step.awaitEvent({});
    // @ts-expect-error -- Which event?
    void step.awaitEvent({ validator });
    void step.awaitEvent({ id: "abc" });
    void step.awaitEvent({ name: "approval", id });
  });

  test("takes a timeout in milliseconds", () => {
    void step.awaitEvent({ name: "a", timeout: 1000 });
    // @ts-expect-error -- A number, that is.
    void step.awaitEvent({ name: "a", timeout: "1 s" });
  });
});

describe("sendEvent", () => {
  test("returns the event's id", () => {
    expectTypeOf(sendEvent(ctx, component, { id })).toEqualTypeOf<
      Promise<EventId<"approval">>
    >();
    expectTypeOf(
      sendEvent(ctx, component, { workflowId, name: "approval", value }),
    ).toEqualTypeOf<Promise<EventId<"approval">>>();
    expectTypeOf(
      manager.sendEvent(ctx, { ...approval, workflowId, value }),
    ).toEqualTypeOf<Promise<EventId<"approval">>>();
  });

  test("needs an id, or a name and a run", () => {
    // @ts-expect-error -- Of which run?
    void sendEvent(ctx, component, { name: "approval" });
    // @ts-expect-error -- Which event?
    void sendEvent(ctx, component, { workflowId });
    void sendEvent(ctx, component, { id: "abc" });
    void sendEvent(ctx, component, { name: "approval", workflowId: "abc" });
    void sendEvent(ctx, component, { id, name: "approval", workflowId });
  });

  test("takes a value, checked against a validator where one is given, or an error", () => {
    void sendEvent(ctx, component, { id, value: "whatever" });
    void sendEvent(ctx, component, { id, value, validator });
    void sendEvent(ctx, component, { ...approval, workflowId, value });
    void sendEvent(ctx, component, { id, error: "Declined" });
    void sendEvent(ctx, component, {
      ...approval,
      workflowId,
      error: "Declined",
    });
    // @ts-expect-error -- Not what the validator says.
    void sendEvent(ctx, component, { id, validator, value: "yes" });
    void sendEvent(ctx, component, {
      ...approval,
      workflowId,
      // @ts-expect-error -- Not what the validator says.
      value: { approved: "yes" },
    });
    // @ts-expect-error -- One of them.
    void sendEvent(ctx, component, { id, value, error: "Declined" });
    // @ts-expect-error -- An error is text.
    void sendEvent(ctx, component, { id, error: new Error("Declined") });
  });

  test("has the value's type and the event's name as type parameters", () => {
    void sendEvent<{ approved: boolean }, "approval">(ctx, component, {
      id,
      value,
    });
    void sendEvent<{ approved: boolean }>(ctx, component, {
      id,
      // @ts-expect-error -- Another type.
      value: "yes",
    });
  });
});
