import type * as app from "../../../example/convex/_generated/server.js";
import {
  WorkflowManager,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";
import { components, internal } from "./api.js";

// Arguments for calls in the type tests, which use only their types.

export declare const queryCtx: app.QueryCtx;
export declare const mutationCtx: app.MutationCtx;
export declare const actionCtx: app.ActionCtx;
export declare const step: WorkflowCtx;
export declare const workflowId: WorkflowId;

export const component = components.workflow;
export const manager = new WorkflowManager(component);
export const { flows, functions } = internal;
