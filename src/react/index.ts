export {
  WorkflowConsole,
  type WorkflowConsoleProps,
} from "./WorkflowConsole.js";
export type { ConsoleApi } from "./api.js";
