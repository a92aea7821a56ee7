/** A function as the backend is about to call it. */
export interface Called {
  /** The path of its component: the app's is "". */
  component: string;
  /** As in `pool:onComplete`. */
  path: string;
  args: Record<string, any>;
}

/** What ends with a call: named by what it means for a run. */
export type Boundary =
  | "turn"
  | "driven turn"
  | "driver"
  | "step"
  | "action"
  | "completion"
  | "callback"
  | "timer"
  | "ending"
  | "onComplete"
  | "housekeeping"
  | "pool";

export function boundaryOf({ component, path, args }: Called): Boundary {
  switch (component) {
    case "":
      if (path === "steps:ended") return "onComplete";
      return args["drive"] ? "driven turn" : "turn";
    case "workflow":
      return ofComponent(path, args);
    case "workflow/workpool":
      return ofPool(path, args);
    default:
      return "pool";
  }
}

/** Tells what came of a step or a driver. */
const IS_REPORT = /^(pool:|driving:(fallBackToPool|onComplete)$)/;

/** A turn that only ends its run, because the run can't continue. */
const endsRun = ({ path, args }: Pick<Called, "path" | "args">) =>
  path === "turns:take" && args["result"] !== undefined;

function ofComponent(path: string, args: Record<string, any>): Boundary {
  const [module] = path.split(":");
  switch (module) {
    case "execute":
      return path === "execute:timer" ? "timer" : "step";
    case "pool":
      return "callback";
    case "driving":
      return IS_REPORT.test(path) ? "callback" : "driver";
    case "turns":
      if (endsRun({ path, args })) return "ending";
      return path === "turns:take" ? "turn" : "housekeeping";
    default:
      return "housekeeping";
  }
}

function ofPool(path: string, args: Record<string, any>): Boundary {
  switch (path) {
    case "worker:runMutationWrapper":
      return (args["fnHandle"] as string).includes("execute:transaction")
        ? "step"
        : "turn";
    case "worker:runBatch":
      return "action";
    case "complete:complete":
      return "completion";
    default:
      return "pool";
  }
}

/** Whether a scheduled transaction runs code of users, and so may die of it for good. */
export const mayBeKilled = (called: Called): boolean => {
  const boundary = boundaryOf(called);
  return (
    boundary === "turn" ||
    boundary === "step" ||
    // What follows when it dies, which calls nobody, is safe.
    endsRun(called)
  );
};

/** Whether it may fail inside a transaction that goes on: where the code around it says what then. */
export const mayThrow = ({ component, path }: Called): boolean =>
  component === ""
    ? path === "steps:ended" || path === "workflows:workflow"
    : component === "workflow" &&
      (path === "execute:transaction" || IS_REPORT.test(path));

/** Whether a call that has committed may come again: with nobody left to wait for it. */
export const mayRepeat = ({ component, path, args }: Called): boolean =>
  (component === "workflow" &&
    (IS_REPORT.test(path) ||
      endsRun({ path, args }) ||
      path === "turns:perform" ||
      /^execute:(transaction|timer)$/.test(path))) ||
  args["drive"] !== undefined;
