import type { TestConvex } from "convex-test";
import type { GenericId } from "convex/values";
import { expectTypeOf, test } from "vitest";
import {
  finishWorkflows,
  mockStep,
  waitForRun,
  type FinalStatus,
} from "@convex-dev/workflow/test";
import type schema from "../testing/app/schema.js";
import { components, internal } from "../testing/typed/api.js";

declare const t: TestConvex<typeof schema>;
const { flows, functions } = internal;

test("a mock has its function's arguments and return type", () => {
  mockStep(t, functions.count, (args) => {
    expectTypeOf(args).toEqualTypeOf<{ of: string }>();
    return 1;
  });
  mockStep(t, functions.save, () => "id" as GenericId<"texts">);
  mockStep(t, functions.fetchText, () => Promise.resolve(null));
  expectTypeOf(
    mockStep(t, components.workflow.event.create, () => "id"),
  ).toEqualTypeOf<() => void>();
  // @ts-expect-error -- The function returns a number.
  mockStep(t, functions.count, () => "one");
  // @ts-expect-error -- The function returns a string or null.
  mockStep(t, functions.fetchText, async () => 1);
  // @ts-expect-error -- The function has no such argument.
  mockStep(t, functions.count, ({ from }: { from: string }) => from.length);
});

test("a workflow's mock has its handler's arguments and return type", () => {
  mockStep(t, flows.greet, (args) => {
    expectTypeOf(args).toEqualTypeOf<{ name: string; times?: number }>();
    return { text: args.name };
  });
  mockStep(t, flows.nothing, () => null);
  mockStep(t, flows.bare, () => "anything");
  // @ts-expect-error -- The workflow returns an object with a text.
  mockStep(t, flows.greet, () => ({ kind: "complete" }));
});

test("the helpers accept only the result of convexTest", () => {
  expectTypeOf(finishWorkflows(t)).toEqualTypeOf<Promise<void>>();
  expectTypeOf(waitForRun(t, "id")).toEqualTypeOf<Promise<FinalStatus>>();
  void finishWorkflows(t, { until: "waiting", maxTimers: 5 });
  void finishWorkflows(t, { until: async () => true });
  // @ts-expect-error -- `t` has an identity.
  void finishWorkflows(t.withIdentity({}));
  // @ts-expect-error -- There is no such option.
  void waitForRun(t, "id", { until: () => true });
});
