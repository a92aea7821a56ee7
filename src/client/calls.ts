import type {
  FunctionReference,
  FunctionVisibility,
  PaginationOptions,
  PaginationResult,
} from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import { invalidArgument } from "../shared/errors.js";
import { ARGUMENTS_REFUSED, errorMessage } from "../shared/failures.js";
import { checkOptions, shown, type OPTIONS } from "./options.js";
import type { AnyRef } from "./replay/journal.js";
import { nameOf, rulesOf } from "./turn/stepContext.js";
import type {
  RunMutationCtx,
  RunQueryCtx,
  WorkflowComponent,
} from "./types.js";

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
  return explained(ctx, `Can't ${what}`, ctx.runMutation(mutation, args));
}

/** Outside a handler, the error names the call if the component's validator refuses an argument. */
export function explained<T>(ctx: object, failed: string, answer: Promise<T>) {
  // In a handler, the answer is a step. The journal of a run of 0.4 depends on the number of promises around it.
  if (rulesOf(ctx)) return answer;
  return answer.catch((error: unknown): never => {
    const text = errorMessage(error);
    throw ARGUMENTS_REFUSED.test(text)
      ? invalidArgument(`${failed}: ${text}`)
      : error;
  });
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

type Listing = keyof typeof OPTIONS & `list${string}`;

/** Reads one page of a list. */
export function pageOf<Row>(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  call: Listing,
  options: ListOptions,
  subject: Subject = {},
): Promise<PaginationResult<Row>> {
  checkOptions(call, options);
  if ("workflowId" in subject) checkRunId(subject.workflowId!);
  const args: Subject & ListOptions = { ...options, ...subject };
  const { order = "asc", paginationOpts = FIRST_PAGE } = args;
  const name = args.name !== undefined && { name: nameFrom(args.name) };
  const { numItems } = paginationOpts;
  if (!(Number.isInteger(numItems) && numItems > 0))
    throw invalidArgument(
      `Invalid options of ${call}: paginationOpts.numItems is ${shown(numItems)}. Expected a whole number from 1.`,
    );
  const page = { ...args, ...name, order, paginationOpts };
  const { event, workflow } = component as ComponentApi;
  const query: Query = call === "listEvents" ? event.list : workflow[call];
  return explained(
    ctx,
    `Invalid options of ${call}`,
    ctx.runQuery(query, page),
  );
}

const FIRST_PAGE: PaginationOptions = { numItems: 100, cursor: null };

/** Converts a name or a reference to the form that the component accepts. */
export function nameFrom<Name extends string | number | undefined>(
  name: Name | AnyRef,
) {
  if (typeof name !== "object") return name;
  return nameOf(name, () =>
    invalidArgument(
      `Invalid name: ${shown(name)}. Expected a text, or a reference such as internal.file.name.`,
    ),
  );
}
