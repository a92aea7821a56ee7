import { createContext, useContext } from "react";
import type { ConsoleApi } from "./api.js";
import type { Route } from "./route.js";

export type Console = {
  api: ConsoleApi;
  navigate: (route: Route, options?: { replace?: boolean }) => void;
  /** The last hash of the runs page. */
  runsHash: () => string;
  /** The last scroll position of each hash of the runs page. */
  scrolls: Map<string, number>;
  /** Announces the result of an action on the page and to screen readers. */
  notify: (text: string, kind?: "error") => void;
  rootRef: React.RefObject<HTMLDivElement | null>;
};

export const ConsoleContext = createContext<Console | undefined>(undefined);

export function useConsole(): Console {
  const found = useContext(ConsoleContext);
  if (!found) throw new Error("Used outside of WorkflowConsole");
  return found;
}
