import { WorkflowConsole } from "@convex-dev/workflow/react";
import { api } from "../convex/_generated/api.js";

export function Console() {
  return <WorkflowConsole api={api.console} />;
}
