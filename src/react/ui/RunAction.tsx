import { useMutation } from "convex/react";
import { useEffect, useId, useRef, useState } from "react";
import { useConsole } from "../context.js";
import { plural } from "../format.js";
import type { Status } from "../route.js";
import { Button } from "./buttons.js";
import { messageOf } from "./errors.js";
import { StatusIcon } from "./Status.js";

export type Action = "cancel" | "restart" | "cleanup";

type Target = { workflowId: string; name?: string; status: Status };

const TEXTS = {
  cancel: {
    verb: "Cancel",
    done: "Canceled",
    effect:
      "Each stops at once, with its children. Actions that run now finish, and their results are ignored.",
  },
  restart: {
    verb: "Restart",
    done: "Restarted",
    effect: "Each runs again over its recorded steps.",
  },
  cleanup: {
    verb: "Clean up",
    done: "Cleaned up",
    effect: "This deletes their steps, events and children. You can't undo it.",
  },
} as const;

export const ACTIONS = ["cancel", "restart", "cleanup"] as const;

export const labelOf = (action: Action) => TEXTS[action].verb;

/** You can cancel a run in progress, and restart or clean up a run that has ended. */
export const applies = (action: Action, status: Status) =>
  (action === "cancel") === (status === "inProgress");

/** The server acts on at most this many runs in one call. */
const BATCH = 50;

/** How many run names a confirmation shows. */
const NAMED = 5;

/**
 * Asks before it acts on runs, shows how many, and announces the result. The browser keeps the focus inside, and closes
 * the dialog on Escape.
 */
export function RunActionDialog({
  action,
  runs,
  from,
  onClose,
  onDone,
}: {
  action: Action;
  runs: readonly Target[];
  /** Restart from this step. */
  from?: { stepNumber: number; name: string };
  onClose: () => void;
  onDone?: () => void;
}) {
  const { api, notify } = useConsole();
  const [isBusy, setIsBusy] = useState(false);
  const [fromFailure, setFromFailure] = useState(true);
  const askFailure =
    action === "restart" &&
    !from &&
    runs.every(({ status }) => status === "failed");
  // `restart` takes all arguments that the other two take.
  const mutate = useMutation(api[action] as typeof api.restart);
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement;
    if (!dialog.open) dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const { verb, done, effect } = TEXTS[action];
  const what = plural(runs.length, "run");

  async function act() {
    setIsBusy(true);
    const place = from
      ? { from: from.stepNumber }
      : askFailure && fromFailure
        ? { fromFailure }
        : {};
    let ids = runs.map(({ workflowId }) => workflowId);
    let count = 0;
    const problems: string[] = [];
    try {
      while (ids.length > 0) {
        const workflowIds = ids.slice(0, BATCH);
        const result = await mutate({ workflowIds, ...place });
        count += result.done;
        problems.push(...result.failures.map(({ error }) => error));
        ids = [...result.left, ...ids.slice(BATCH)];
      }
    } catch (error) {
      const reason = messageOf(error) || "The server gave no reason.";
      const rest = plural(ids.length, "run");
      problems.push(`Can't ${verb.toLowerCase()} ${rest}: ${reason}`);
    }
    const success = count > 0 ? `${done} ${plural(count, "run")}.` : "";
    if (problems.length === 0) notify(success);
    else {
      const others = problems.length - 1;
      const more = others > 0 ? ` And ${plural(others, "other problem")}.` : "";
      notify(`${success} ${problems[0]}${more}`.trim(), "error");
    }
    if (count > 0) onDone?.();
    onClose();
  }

  return (
    <dialog
      ref={element}
      className="wfc-dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <div className="wfc-dialog-body">
        <h2 id={titleId} className="wfc-dialog-title">
          {from ? `Restart from step ${from.stepNumber}?` : `${verb} ${what}?`}
        </h2>
        <div className="wfc-dialog-text">
          <ul className="wfc-targets">
            {runs.slice(0, NAMED).map(({ workflowId, name, status }) => (
              <li key={workflowId}>
                <StatusIcon status={status} />
                <span className="wfc-ellipsis">{name ?? "unnamed"}</span>
                <code className="wfc-ellipsis">{workflowId}</code>
              </li>
            ))}
            {runs.length > NAMED && (
              <li className="wfc-muted">{`and ${plural(runs.length - NAMED, "other")}`}</li>
            )}
          </ul>
          <p>
            {from
              ? `Step ${from.stepNumber}, ${from.name}, and all steps after it run again. The steps before it keep their results.`
              : effect}
          </p>
          {askFailure && (
            <label className="wfc-choice">
              <input
                type="checkbox"
                checked={fromFailure}
                onChange={({ target }) => setFromFailure(target.checked)}
              />
              <span>
                Run the last failed step and all after it again. Otherwise, the
                recorded failure is replayed, so the same handler fails again.
              </span>
            </label>
          )}
        </div>
        <div className="wfc-dialog-actions">
          <Button onClick={onClose}>Back</Button>
          <Button
            autoFocus
            kind={action === "restart" ? "primary" : "danger"}
            disabled={isBusy}
            onClick={() => void act()}
          >
            {isBusy ? "Working…" : from ? "Restart" : `${verb} ${what}`}
          </Button>
        </div>
      </div>
    </dialog>
  );
}
