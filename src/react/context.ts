import { createContext, useContext } from "react";
import type { ConsoleApi } from "./api.js";
import type { Route } from "./route.js";

export type Console = {
  api: ConsoleApi;
  navigate: (route: Route, options?: { replace?: boolean }) => void;
  /** The hash of the runs page as it was last shown. */
  runsHash: () => string;
  /** How far each hash of the runs page was scrolled when it was left. */
  scrolls: Map<string, number>;
  /** Tells the result of an action, on the page and to screen readers. */
  notify: (text: string, kind?: "error") => void;
  rootRef: React.RefObject<HTMLDivElement | null>;
};

export const ConsoleContext = createContext<Console | undefined>(undefined);

export function useConsole(): Console {
  const found = useContext(ConsoleContext);
  if (!found) throw new Error("Used outside of WorkflowConsole");
  return found;
}
