import type { WorkflowComponent } from "@convex-dev/workflow";
import type { ComponentApi as PublishedComponentApi } from "@convex-dev/workflow-published/_generated/component.js";
import type { ComponentApi } from "@convex-dev/workflow/_generated/component.js";
import type component from "@convex-dev/workflow/convex.config";
import type sameComponent from "@convex-dev/workflow/convex.config.js";
import type testHelper from "@convex-dev/workflow/test";
import type { ComponentDefinition, FunctionReference } from "convex/server";
import { expectTypeOf, test } from "vitest";

test("the other entry points have their types", () => {
  expectTypeOf<typeof component>().toExtend<ComponentDefinition>();
  expectTypeOf<typeof sameComponent>().toEqualTypeOf<typeof component>();
  expectTypeOf<ComponentApi>().toExtend<WorkflowComponent>();
  expectTypeOf<keyof typeof testHelper>().toEqualTypeOf<
    "register" | "schema" | "modules"
  >();
});

test("the component's functions keep the names and arguments that deployed apps call", () => {
  type Calls<Functions> = {
    [Name in keyof Functions]: Functions[Name] extends FunctionReference<
      any,
      any,
      infer Args
    >
      ? [args: Args, fields: keyof Args]
      : never;
  };
  /** The names of the calls that `Now` refuses. */
  type Refused<Before, Now> = {
    [Name in keyof Before]: Name extends keyof Now
      ? Before[Name] extends Now[Name]
        ? never
        : Name
      : Name;
  }[keyof Before];
  type Published = PublishedComponentApi;
  expectTypeOf<
    {
      [Module in keyof Published]: Refused<
        Calls<Published[Module]>,
        Calls<ComponentApi[Module]>
      >;
    }[keyof Published]
  >().toBeNever();
});
