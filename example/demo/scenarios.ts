import type { WorkflowId, WorkflowStatus } from "@convex-dev/workflow";
import type {
  FunctionReference,
  FunctionReturnType,
  OptionalRestArgs,
} from "convex/server";
import { internal } from "../convex/_generated/api.js";
import type { Options } from "./options.js";

type Mutation = FunctionReference<"mutation", "internal">;

/** Calls a function as `npx convex run` would, and says so. */
export type Call = <M extends Mutation>(
  mutation: M,
  ...args: OptionalRestArgs<M>
) => Promise<FunctionReturnType<M>>;

/** One run of a workflow, and what should come of it. */
export interface Scenario {
  about: string;
  start(call: Call): Promise<WorkflowId>;
  /** What somebody sends when it has waited for an event for a while. */
  answer?: {
    afterWaitingMs: number;
    send(call: Call, workflowId: WorkflowId): Promise<unknown>;
  };
  status: FunctionReference<
    "query",
    "internal",
    { workflowId: WorkflowId },
    WorkflowStatus
  >;
  /** The result with which it should complete. */
  expected: unknown;
}

export const scenarios = ({ fail }: Options): Scenario[] => [
  {
    about: fail
      ? "A query, and an action that fails each of the 3 times it is tried"
      : "A query, an action that fails twice and is retried, a mutation, and a sleep shortened to 0.5 s",
    start: async (call) =>
      (await call(internal.example.exampleWorkflow, {
        args: { exampleArg: "James", failures: fail ? 3 : 2, sleepMs: 500 },
      })) as WorkflowId,
    status: internal.example.status,
    expected: "Hello, James!",
  },
  {
    about:
      "An approval, which the demo sends when it has been waited for 0.6 s",
    start: (call) => call(internal.approval.start, { title: "A new chair" }),
    answer: {
      afterWaitingMs: 600,
      send: (call, workflowId) =>
        call(internal.approval.decide, { workflowId, approved: true }),
    },
    status: internal.approval.status,
    expected: "approved",
  },
  {
    about: "An approval that nobody sends, with a timeout shortened to 0.6 s",
    start: (call) =>
      call(internal.approval.start, { title: "A new boat", timeoutMs: 600 }),
    status: internal.approval.status,
    expected: "expired",
  },
  {
    about:
      "A parent with two children at the same time, one of which sleeps, shortened to 0.4 s",
    start: (call) =>
      call(internal.trip.start, {
        city: "Lisbon",
        nights: 3,
        confirmAfterMs: 400,
      }),
    status: internal.trip.status,
    expected: {
      flight: { seat: "14A", price: 120 },
      hotel: { room: "207", price: 240 },
      total: 360,
    },
  },
];
