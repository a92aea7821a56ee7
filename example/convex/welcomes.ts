/** Manages the runs of welcome.ts, which is as short as a workflow can be: its start is `welcome:signUp`. */
import { manage } from "./manage.js";

export const { status, steps, list, cancel, restart, cleanup } =
  manage("welcome:welcome");
