import type { Doc } from "../../../../component/_generated/dataModel.js";
import type { Deployment } from "./deployment.js";

/** The states in which a switch can find a run of 0.4. */
export const HAZARDS = [
  "a due turn",
  "several jobs for one turn",
  "a query step",
  "a mutation step",
  "an action step",
  "an action between two attempts",
  "a step that is to start later",
  "a sleep",
  "a result that the pool has not handed on",
  "an event awaited by its name",
  "an event awaited by its id",
  "an event sent and not awaited",
  "a nested run",
  "steps of which some are done",
  "nothing recorded yet",
] as const;
export type Hazard = (typeof HAZARDS)[number];

/** The fields that are read here of a workpool's job. */
interface Job {
  fnType: string;
  fnHandle: string;
  attempts: number;
}

export async function hazardsOf(
  deployment: Deployment,
  workflowId: string,
): Promise<Set<Hazard>> {
  const jobs = (await deployment.poolRows("work")) as unknown as Job[];
  const completions = await deployment.poolRows("pendingCompletion");
  const starts = await deployment.poolRows("pendingStart");
  const steps = await deployment.rows("steps");
  const events = await deployment.rows("events");
  const own = steps.filter((step) => step.workflowId === workflowId);
  const inFlight = steps.filter(({ step }) => step.inProgress);
  const turns = jobs.filter(({ fnHandle }) => fnHandle.includes("workflows:"));
  const isStep = (type: string) =>
    jobs.some(
      ({ fnType, fnHandle }) => fnType === type && fnHandle.includes("steps:"),
    );
  const later = BigInt(Math.floor(Date.now() / SEGMENT_MS) + 10);
  const waiting = events.filter(({ state }) => state.kind === "waiting");
  const byId = (event: Doc<"events">) =>
    inFlight.some(
      ({ step }) => step.kind === "event" && step.args.eventId === event._id,
    );
  const found: Record<Hazard, boolean> = {
    "a due turn": turns.length > 0,
    "several jobs for one turn": turns.length > 1,
    "a query step": isStep("query"),
    "a mutation step": isStep("mutation"),
    "an action step": isStep("action"),
    "an action between two attempts": jobs.some(({ attempts }) => attempts > 0),
    "a step that is to start later": starts.some(
      ({ segment }) => (segment as bigint) > later,
    ),
    "a sleep": inFlight.some(({ step }) => step.kind === "sleep"),
    "a result that the pool has not handed on": completions.length > 0,
    "an event awaited by its name": waiting.some((event) => !byId(event)),
    "an event awaited by its id": waiting.some(byId),
    "an event sent and not awaited": events.some(
      ({ state }) => state.kind === "sent",
    ),
    "a nested run": inFlight.some(({ step }) => step.kind === "workflow"),
    "steps of which some are done":
      own.some(({ step }) => step.inProgress) &&
      own.at(-1)?.step.inProgress === false,
    "nothing recorded yet": own.length === 0,
  };
  return new Set(HAZARDS.filter((hazard) => found[hazard]));
}

/** The workpool rounds start times to this many milliseconds. */
const SEGMENT_MS = 100;
