/** Manages the runs of welcome.ts, which has only the essentials. `welcome:signUp` starts them. */
import { manage } from "./manage.js";

export const { status, steps, list, cancel, restart, cleanup } =
  manage("welcome:welcome");
