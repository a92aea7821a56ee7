import {
  Component,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type ReactNode,
} from "react";
import type { ConsoleApi } from "./api.js";
import { ConsoleContext, type Console } from "./context.js";
import { formatHash, parseHash, type Route } from "./route.js";
import { RunPage } from "./run/RunPage.js";
import { RunsPage } from "./runs/RunsPage.js";
import { STYLES } from "./styles.js";
import { Message } from "./ui/basics.js";
import { Button } from "./ui/buttons.js";

export type WorkflowConsoleProps = {
  /** The functions that `workflow.console()` returned, such as `api.console`. */
  api: ConsoleApi;
  className?: string;
  /** Default height: the window's. Pass `{ height: "100%" }` to fill an element that has a height. */
  style?: CSSProperties;
};

/**
 * Shows your runs live, and lets you manage them. Render it below a `ConvexProvider`. Its functions decide who may see
 * and change runs. The hash of the page's URL holds the current view, so you can share it.
 */
export function WorkflowConsole({
  api,
  className,
  style,
}: WorkflowConsoleProps): ReactNode {
  const rootRef = useRef<HTMLDivElement>(null);
  const [route, navigate] = useRoute();
  const lastRuns = useRef(formatHash({ page: "runs", filter: {} }));
  if (route.page === "runs") lastRuns.current = formatHash(route);
  const [scrolls] = useState(() => new Map<string, number>());
  const [notice, setNotice] = useState<Notice>();
  const notify = useCallback(
    (text: string, kind?: "error") => setNotice({ text, kind }),
    [],
  );
  const context = useMemo<Console>(
    () => ({
      api,
      navigate,
      notify,
      rootRef,
      runsHash: () => lastRuns.current,
      scrolls,
    }),
    [api, navigate, notify, scrolls],
  );
  return (
    <div
      ref={rootRef}
      className={className ? `wfc ${className}` : "wfc"}
      style={style}
    >
      <style>{STYLES}</style>
      <ConsoleContext.Provider value={context}>
        <Boundary key={route.page === "run" ? route.workflowId : ""}>
          {route.page === "runs" ? (
            <RunsPage filter={route.filter} />
          ) : (
            <RunPage key={route.workflowId} route={route} />
          )}
        </Boundary>
      </ConsoleContext.Provider>
      <NoticeBar notice={notice} onClose={() => setNotice(undefined)} />
    </div>
  );
}

/** The route in the URL's hash, which the user and the console change. */
function useRoute(): [Route, Console["navigate"]] {
  const [hash, setHash] = useState(() =>
    typeof location === "undefined" ? "" : location.hash,
  );
  useEffect(() => {
    const listener = () => setHash(location.hash);
    listener();
    window.addEventListener("hashchange", listener);
    window.addEventListener("popstate", listener);
    return () => {
      window.removeEventListener("hashchange", listener);
      window.removeEventListener("popstate", listener);
    };
  }, []);
  const navigate = useCallback<Console["navigate"]>(
    (next, { replace = false } = {}) => {
      const to = formatHash(next);
      if (replace) history.replaceState(history.state, "", to);
      else history.pushState(null, "", to);
      setHash(to);
    },
    [],
  );
  return [useMemo(() => parseHash(hash), [hash]), navigate];
}

type Notice = { text: string; kind?: "error" };

const NOTICE_MS = 5000;

function NoticeBar({
  notice,
  onClose,
}: {
  notice: Notice | undefined;
  onClose: () => void;
}) {
  useEffect(() => {
    if (!notice || notice.kind === "error") return;
    const timeout = setTimeout(onClose, NOTICE_MS);
    return () => clearTimeout(timeout);
  }, [notice]);
  return (
    <div className="wfc-notices" role="status" aria-live="polite">
      {notice && (
        <div
          className={`wfc-notice ${notice.kind === "error" ? "wfc-notice-error" : ""}`}
        >
          <span>{notice.text}</span>
          <Button kind="link" onClick={onClose}>
            Dismiss
          </Button>
        </div>
      )}
    </div>
  );
}

/** Keeps an error in the console from taking the app's page with it. */
class Boundary extends Component<
  { children: ReactNode },
  { error: Error | undefined }
> {
  override state = { error: undefined as Error | undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Message kind="error" title="The console failed">
        <p>{String(error.message)}</p>
        <Button kind="link" onClick={() => this.setState({ error: undefined })}>
          Try again
        </Button>
      </Message>
    );
  }
}
