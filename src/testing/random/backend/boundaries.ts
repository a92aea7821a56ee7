/** A function as the backend is about to call it. */
export interface Called {
  /** The path of its component, or "" for the app. */
  component: string;
  /** The function's path, such as `pool:onComplete`. */
  path: string;
  args: Record<string, any>;
}

/** A kind of call, named after its role for a run. Faults happen when it ends. */
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

/** Functions that report the result of a step or a driver. */
const IS_REPORT = /^(pool:|driving:(fallBackToPool|onComplete)$)/;

/** Whether a turn only ends its run, because the run can't continue. */
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

/** Whether a scheduled transaction runs user code, which may kill it permanently. */
export const mayBeKilled = (called: Called): boolean => {
  const boundary = boundaryOf(called);
  return (
    boundary === "turn" ||
    boundary === "step" ||
    // If such a turn is killed, the turn that follows calls no user code.
    endsRun(called)
  );
};

/** Whether a call may throw inside a transaction that handles the error. */
export const mayThrow = ({ component, path }: Called): boolean =>
  component === ""
    ? path === "steps:ended" || path === "workflows:workflow"
    : component === "workflow" &&
      (path === "execute:transaction" || IS_REPORT.test(path));

/** Whether a committed call may be delivered again, with no caller left. */
export const mayRepeat = ({ component, path, args }: Called): boolean =>
  (component === "workflow" &&
    (IS_REPORT.test(path) ||
      endsRun({ path, args }) ||
      path === "turns:perform" ||
      /^execute:(transaction|timer)$/.test(path))) ||
  args["drive"] !== undefined;
