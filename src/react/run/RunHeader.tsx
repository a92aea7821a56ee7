import { useConvex } from "convex/react";
import { useId, useState } from "react";
import type { RunDetails, ConsoleStep } from "../api.js";
import { useConsole } from "../context.js";
import { formatCount, formatDuration } from "../format.js";
import { formatHash, type Status } from "../route.js";
import {
  CopyButton,
  Due,
  ErrorText,
  Facts,
  Time,
  useCopy,
} from "../ui/basics.js";
import { Button } from "../ui/buttons.js";
import { messageOf } from "../ui/errors.js";
import { Icon } from "../ui/Icon.js";
import { ACTIONS, applies, labelOf, type Action } from "../ui/RunAction.js";
import { StatusIcon, StatusLabel } from "../ui/Status.js";
import { ValueTree } from "../ui/ValueTree.js";
import { preview, toJson } from "../values.js";
import { doneOf } from "./steps.js";

export function RunHeader({
  run,
  now,
  steps,
  onAction,
}: {
  run: RunDetails;
  now: number;
  steps: readonly ConsoleStep[];
  onAction: (action: Action) => void;
}) {
  const { api, notify } = useConsole();
  const convex = useConvex();
  const copy = useCopy();
  const [isDownloading, setIsDownloading] = useState(false);
  const { workflowId, status, startedAt, endedAt } = run;

  async function downloadHistory() {
    setIsDownloading(true);
    try {
      const args = { workflowId, history: true };
      const found = await convex.query(api.getRun, args);
      if (found?.history) saveAsFile(`${workflowId}.json`, found.history);
      else notify("This run doesn't exist any more.", "error");
    } catch (error) {
      notify(`Can't download the history: ${messageOf(error)}`, "error");
    } finally {
      setIsDownloading(false);
    }
  }

  const { parent, children, moreChildren } = run;
  const due = (at: number | undefined) =>
    at !== undefined && <Due at={at} now={now} />;
  const facts = {
    Id: (
      <>
        <code className="wfc-ellipsis">{workflowId}</code>
        <CopyButton text={() => workflowId} what="id" />
      </>
    ),
    Started: <Time at={startedAt} now={now} />,
    Duration:
      status === "inProgress" || endedAt !== undefined
        ? formatDuration((endedAt ?? now) - startedAt)
        : "–",
    Steps: stepsText(run),
    Generation: formatCount(run.generation),
    Key: run.key !== undefined && (
      <code className="wfc-ellipsis">{run.key}</code>
    ),
    "Times out": due(run.deadlineAt),
    "Cleaned up": due(run.cleanupAt),
    Parent: parent && (
      <RunLink {...parent} step={parent.stepNumber}>
        {`${parent.name ?? parent.workflowId}, step ${parent.stepNumber}`}
      </RunLink>
    ),
    [`Children (${children.length}${moreChildren ? "+" : ""})`]:
      children.length > 0 &&
      children.map((child) => (
        <RunLink key={child.workflowId} {...child}>
          {child.name ?? child.workflowId}
        </RunLink>
      )),
    Progress: run.progress !== undefined && (
      <code className="wfc-ellipsis">{preview(run.progress)}</code>
    ),
  };
  return (
    <header className="wfc-run-header">
      <div className="wfc-run-title">
        <h1 className="wfc-title wfc-ellipsis" title={run.name}>
          {run.name ?? "unnamed"}
        </h1>
        <StatusLabel status={status} />
        <div className="wfc-actions">
          {ACTIONS.filter((action) => applies(action, status)).map((action) => (
            <Button key={action} onClick={() => onAction(action)}>
              {labelOf(action)}
            </Button>
          ))}
          <Button
            onClick={() => void copy(() => toJson({ ...run, steps }), "run")}
            icon="copy"
          >
            Copy as JSON
          </Button>
          <Button
            title="The file that replayHistory takes"
            disabled={isDownloading}
            onClick={() => void downloadHistory()}
            icon="download"
          >
            History
          </Button>
        </div>
      </div>
      <Facts className="wfc-facts" of={facts} />
      <div className="wfc-panels">
        <ValuePanel name="Arguments" value={run.args as unknown} />
        {run.runResult?.kind === "success" && (
          <ValuePanel name="Result" value={run.runResult.returnValue} />
        )}
        {run.runResult?.kind === "failed" && (
          <section className="wfc-panel wfc-panel-error" aria-label="Error">
            <h2 className="wfc-panel-name">Error</h2>
            <FailedAt run={run} />
            <ErrorText text={run.runResult.error} label="Error of the run" />
          </section>
        )}
      </div>
    </header>
  );
}

function saveAsFile(name: string, value: object) {
  const json = JSON.stringify(value, null, 2);
  const url = URL.createObjectURL(
    new Blob([json], { type: "application/json" }),
  );
  Object.assign(document.createElement("a"), {
    ...{ href: url, download: name },
  }).click();
  // The browser reads the URL after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Shows where the handler failed, if that is known. */
function FailedAt({ run }: { run: RunDetails }) {
  const { stepNumber, line } = run.failedAt ?? {};
  if (stepNumber === undefined && line === undefined) return null;
  return (
    <p className="wfc-failed-at">
      {line !== undefined && <code>{line}</code>}
      {stepNumber !== undefined && (
        <RunLink workflowId={run.workflowId} step={stepNumber}>
          {`at step ${stepNumber}`}
        </RunLink>
      )}
    </p>
  );
}

function stepsText({ steps }: RunDetails) {
  const { inFlight } = steps;
  const more = inFlight === 0 ? "" : `, ${formatCount(inFlight)} in flight`;
  return `${formatCount(doneOf(steps))} done${more}`;
}

export function RunLink({
  workflowId,
  status,
  step,
  children,
}: {
  workflowId: string;
  status?: Status;
  step?: number;
  children: React.ReactNode;
}) {
  return (
    <a
      className="wfc-link"
      title={workflowId}
      href={formatHash({ page: "run", workflowId, view: "timeline", step })}
    >
      {status && <StatusIcon status={status} />}
      {children}
    </a>
  );
}

/** Shows a value on one line or in full. */
export function ValuePanel({ name, value }: { name: string; value: unknown }) {
  const [isOpen, setIsOpen] = useState(false);
  const id = useId();
  return (
    <section className="wfc-panel" aria-label={name}>
      <div className="wfc-panel-head">
        <h2 className="wfc-panel-name">
          <button
            type="button"
            aria-expanded={isOpen}
            aria-controls={id}
            onClick={() => setIsOpen(!isOpen)}
          >
            <Icon name="chevron" />
            {name}
          </button>
        </h2>
        {!isOpen && <code className="wfc-ellipsis">{preview(value)}</code>}
        <CopyButton text={() => toJson(value)} what={name.toLowerCase()} />
      </div>
      <div
        id={id}
        className="wfc-panel-body"
        hidden={!isOpen}
        tabIndex={0}
        role="region"
        aria-label={`${name}, whole`}
      >
        {isOpen && <ValueTree value={value} />}
      </div>
    </section>
  );
}
