/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as attempts from "../attempts.js";
import type * as calling from "../calling.js";
import type * as canceling from "../canceling.js";
import type * as cleaning from "../cleaning.js";
import type * as completing from "../completing.js";
import type * as config from "../config.js";
import type * as creating from "../creating.js";
import type * as driven from "../driven.js";
import type * as drivers from "../drivers.js";
import type * as driving from "../driving.js";
import type * as ending from "../ending.js";
import type * as event from "../event.js";
import type * as events from "../events.js";
import type * as execute from "../execute.js";
import type * as execution from "../execution.js";
import type * as fence from "../fence.js";
import type * as journal from "../journal.js";
import type * as journalRows from "../journalRows.js";
import type * as listing from "../listing.js";
import type * as logging from "../logging.js";
import type * as options from "../options.js";
import type * as platformErrors from "../platformErrors.js";
import type * as pool from "../pool.js";
import type * as pooling from "../pooling.js";
import type * as recovering from "../recovering.js";
import type * as releasing from "../releasing.js";
import type * as restarting from "../restarting.js";
import type * as retrying from "../retrying.js";
import type * as runs from "../runs.js";
import type * as scheduling from "../scheduling.js";
import type * as starting from "../starting.js";
import type * as timers from "../timers.js";
import type * as trials from "../trials.js";
import type * as turnRecord from "../turnRecord.js";
import type * as turns from "../turns.js";
import type * as utils from "../utils.js";
import type * as waking from "../waking.js";
import type * as warnings from "../warnings.js";
import type * as watchdog from "../watchdog.js";
import type * as workflow from "../workflow.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import { anyApi, componentsGeneric } from "convex/server";

const fullApi: ApiFromModules<{
  attempts: typeof attempts;
  calling: typeof calling;
  canceling: typeof canceling;
  cleaning: typeof cleaning;
  completing: typeof completing;
  config: typeof config;
  creating: typeof creating;
  driven: typeof driven;
  drivers: typeof drivers;
  driving: typeof driving;
  ending: typeof ending;
  event: typeof event;
  events: typeof events;
  execute: typeof execute;
  execution: typeof execution;
  fence: typeof fence;
  journal: typeof journal;
  journalRows: typeof journalRows;
  listing: typeof listing;
  logging: typeof logging;
  options: typeof options;
  platformErrors: typeof platformErrors;
  pool: typeof pool;
  pooling: typeof pooling;
  recovering: typeof recovering;
  releasing: typeof releasing;
  restarting: typeof restarting;
  retrying: typeof retrying;
  runs: typeof runs;
  scheduling: typeof scheduling;
  starting: typeof starting;
  timers: typeof timers;
  trials: typeof trials;
  turnRecord: typeof turnRecord;
  turns: typeof turns;
  utils: typeof utils;
  waking: typeof waking;
  warnings: typeof warnings;
  watchdog: typeof watchdog;
  workflow: typeof workflow;
}> = anyApi as any;

/**
 * A utility for referencing Convex functions in your app's public API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
export const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
> = anyApi as any;

/**
 * A utility for referencing Convex functions in your app's internal API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = internal.myModule.myFunction;
 * ```
 */
export const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
> = anyApi as any;

export const components = componentsGeneric() as unknown as {
  workpool: import("@convex-dev/workpool/_generated/component.js").ComponentApi<"workpool">;
};
