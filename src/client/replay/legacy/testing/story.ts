import { message } from "./handlers/calls.js";
import { journalOf, type Rows } from "./golden.js";

type Result = Rows["workflows"][number]["runResult"];

/** The steps of a run and its result. A story must be the same under both releases. */
export interface Story {
  steps: {
    kind: string | undefined;
    functionType: string | undefined;
    name: string;
    args: unknown;
    result: unknown;
    nested: Story | undefined;
  }[];
  result: unknown;
}

/**
 * Returns the story of a recorded run without ids, and with only the first line of error messages, because the
 * rest differs between databases and releases. `withoutTimes` also ignores whole numbers.
 */
export function storyOf(
  rows: Rows,
  workflowId: string,
  { withoutTimes = false } = {},
): Story {
  const plain = (value: unknown) => withoutIncidentals(value, withoutTimes);
  const resultOf = (result: Result) =>
    result?.kind === "failed"
      ? message(new Error(result.error))
      : plain(result);
  const run = rows.workflows.find(({ _id }) => _id === workflowId);
  return {
    result: resultOf(run?.runResult),
    steps: journalOf(rows, workflowId).map(({ step }) => ({
      kind: step.kind,
      functionType: "functionType" in step ? step.functionType : undefined,
      name: plain(step.name) as string,
      args: plain(step.args),
      result: isOwn(step.name)
        ? step.runResult?.kind
        : resultOf(step.runResult),
      nested:
        step.kind === "workflow" && step.workflowId
          ? storyOf(rows, step.workflowId, { withoutTimes })
          : undefined,
    })),
  };
}

/** Later releases return more from the component's own functions, and explain errors. */
const isOwn = (name: string) => name.startsWith("workflow/workflow/");

function withoutIncidentals(value: unknown, withoutTimes: boolean): unknown {
  const inner = (each: unknown) => withoutIncidentals(each, withoutTimes);
  if (typeof value === "string")
    return value.replace(/\b0\d{15,}(?=workflows|steps|events)/g, "");
  if (withoutTimes && Number.isInteger(value)) return "a time";
  if (Array.isArray(value)) return value.map(inner);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, inner(field)]),
  );
}
