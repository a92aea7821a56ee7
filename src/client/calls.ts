import type {
  FunctionReference,
  FunctionVisibility,
  PaginationOptions,
  PaginationResult,
} from "convex/server";
import { invalidArgument } from "../shared/errors.js";
import { checkOptions, type OPTIONS } from "./options.js";
import { nameOf, type AnyRef } from "./turn/stepContext.js";
import type { RunMutationCtx, RunQueryCtx } from "./types.js";

type Query = FunctionReference<"query", FunctionVisibility>;
type Mutation = FunctionReference<"mutation", FunctionVisibility>;

/** Calls a query of the component about a run. */
export function queryRun<Read extends Query>(
  ctx: RunQueryCtx,
  query: Read,
  args: Read["_args"] & { workflowId: string },
): Promise<Read["_returnType"]> {
  checkRunId(args.workflowId);
  return ctx.runQuery(query, args);
}

/** Calls a mutation of the component about a run. */
export function changeRun<Change extends Mutation>(
  ctx: RunMutationCtx,
  what: string,
  mutation: Change,
  args: Change["_args"] & { workflowId: string },
): Promise<Change["_returnType"]> {
  requireMutations(ctx, what);
  checkRunId(args.workflowId);
  return ctx.runMutation(mutation, args);
}

/** Catches ids that aren't strings, usually `undefined`, in code without types. */
export function checkRunId(workflowId: string) {
  if (typeof workflowId === "string") return;
  throw invalidArgument(
    `Invalid workflow ID: ${String(workflowId)}. Expected the id that starting a workflow returned.`,
  );
}

/** Refuses a query's ctx in code without types. */
export function requireMutations(ctx: RunMutationCtx, what: string) {
  if (typeof (ctx as Partial<RunMutationCtx>).runMutation === "function")
    return;
  throw invalidArgument(
    `Can't ${what} with this ctx: it can't run mutations. Call it in a mutation, an action or a workflow's handler.`,
  );
}

export type ListOptions = {
  /** The order of creation, or of numbers for steps. Default: `asc`. */
  order?: "asc" | "desc";
  /** Default: the first 100. */
  paginationOpts?: PaginationOptions;
};

interface Subject {
  workflowId?: string;
  name?: string | AnyRef;
}

/** Reads one page of a list. */
export function pageOf<Row>(
  ctx: RunQueryCtx,
  query: Query,
  call: keyof typeof OPTIONS,
  options: ListOptions,
  subject: Subject = {},
): Promise<PaginationResult<Row>> {
  checkOptions(call, options);
  if ("workflowId" in subject) checkRunId(subject.workflowId!);
  const args: Subject & ListOptions = { ...options, ...subject };
  const { order = "asc", paginationOpts = FIRST_PAGE } = args;
  const name = args.name !== undefined && { name: nameFrom(args.name) };
  return ctx.runQuery(query, { ...args, ...name, order, paginationOpts });
}

const FIRST_PAGE: PaginationOptions = { numItems: 100, cursor: null };

/** Converts a name or a reference to the form that the component accepts. */
export const nameFrom = <Name extends string | number | undefined>(
  name: Name | AnyRef,
) => (typeof name === "object" ? nameOf(name) : name);
