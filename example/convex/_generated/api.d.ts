/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as approval from "../approval.js";
import type * as batch from "../batch.js";
import type * as booking from "../booking.js";
import type * as console from "../console.js";
import type * as example from "../example.js";
import type * as fanOut from "../fanOut.js";
import type * as manage from "../manage.js";
import type * as onboarding from "../onboarding.js";
import type * as page from "../page.js";
import type * as race from "../race.js";
import type * as services from "../services.js";
import type * as signals from "../signals.js";
import type * as subscription from "../subscription.js";
import type * as transcription from "../transcription.js";
import type * as trip from "../trip.js";
import type * as welcome from "../welcome.js";
import type * as welcomes from "../welcomes.js";
import type * as workflow from "../workflow.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";

declare const fullApi: ApiFromModules<{
  approval: typeof approval;
  batch: typeof batch;
  booking: typeof booking;
  console: typeof console;
  example: typeof example;
  fanOut: typeof fanOut;
  manage: typeof manage;
  onboarding: typeof onboarding;
  page: typeof page;
  race: typeof race;
  services: typeof services;
  signals: typeof signals;
  subscription: typeof subscription;
  transcription: typeof transcription;
  trip: typeof trip;
  welcome: typeof welcome;
  welcomes: typeof welcomes;
  workflow: typeof workflow;
}>;

/**
 * A utility for referencing Convex functions in your app's public API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;

/**
 * A utility for referencing Convex functions in your app's internal API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = internal.myModule.myFunction;
 * ```
 */
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;

export declare const components: {
  workflow: import("@convex-dev/workflow/_generated/component.js").ComponentApi<"workflow">;
};
