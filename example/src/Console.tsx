import * as workflow from "@convex-dev/workflow/react";
import type { ComponentType } from "react";
import { api } from "../convex/_generated/api.js";

const { WorkflowConsole = Placeholder } = workflow as {
  WorkflowConsole?: ComponentType<{ api: workflow.ConsoleApi }>;
};

export function Console() {
  return <WorkflowConsole api={api.console} />;
}

function Placeholder() {
  return <main>The console isn't built yet.</main>;
}
