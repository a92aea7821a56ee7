import type { ConsoleStep } from "../api.js";
import { useConsole } from "../context.js";
import { formatDuration } from "../format.js";
import { SEGMENT_KINDS } from "../timeline/segments.js";
import {
  CopyButton,
  Due,
  ErrorMessage,
  ErrorText,
  Facts,
  Swatch,
  Time,
  useCopy,
} from "../ui/basics.js";
import { useLive } from "../data/live.js";
import { Button, IconButton } from "../ui/buttons.js";
import { STATUS_LABELS } from "../ui/Status.js";
import { ValueTree } from "../ui/ValueTree.js";
import { toJson } from "../values.js";
import { RunLink } from "./RunHeader.js";
import { attemptLabel, kindOf, stateOf } from "./steps.js";

const ONE = { numItems: 1, cursor: null };

/** Shows the selected step: its arguments, the result of each attempt, and what it waits for. */
export function StepDetails({
  workflowId,
  step,
  now,
  canRestart,
  onRestart,
  onClose,
}: {
  workflowId: string;
  step: ConsoleStep;
  now: number;
  canRestart: boolean;
  onRestart: () => void;
  onClose: () => void;
}) {
  const { api } = useConsole();
  const copy = useCopy();
  const { stepNumber } = step;
  const { value, error } = useLive(api.listSteps, {
    workflowId,
    step: stepNumber,
    paginationOpts: ONE,
  });
  const whole = value?.page[0];
  const runResult = whole?.runResult;
  const attempts = whole?.attempts ?? step.attempts;
  const state = stateOf(step);
  const facts = {
    State: (
      <>
        <Swatch kind={state} />
        {SEGMENT_KINDS[state]}
      </>
    ),
    Kind: kindOf(step),
    Started: <Time at={step.startedAt} now={now} />,
    Duration:
      (step.state !== "done" || step.completedAt !== undefined) &&
      formatDuration((step.completedAt ?? now) - step.startedAt),
    [dueLabel(step)]: step.dueAt !== undefined && (
      <Due at={step.dueAt} now={now} />
    ),
    "Waits for":
      step.kind === "event" &&
      step.state === "waiting" &&
      `event “${step.name}”`,
    Child: step.kind === "workflow" && <Child step={step} />,
  };
  return (
    <aside className="wfc-details" aria-label={`Step ${step.stepNumber}`}>
      <header className="wfc-details-header">
        <div className="wfc-details-title">
          <span className="wfc-muted">{step.stepNumber}</span>
          <h2 title={step.name}>{step.name}</h2>
          <IconButton
            icon="close"
            label="Close"
            title="Close (Esc)"
            onClick={onClose}
          />
        </div>
        <div className="wfc-details-actions">
          {canRestart && <Button onClick={onRestart}>Restart from here</Button>}
          <Button
            disabled={!whole}
            onClick={() => void copy(() => toJson(whole), "step")}
            icon="copy"
          >
            Copy as JSON
          </Button>
        </div>
      </header>
      <div
        className="wfc-details-body"
        tabIndex={0}
        role="region"
        aria-label="Details of the step"
      >
        <Facts className="wfc-pairs" of={facts} />
        {error && <ErrorMessage error={error} />}
        {whole && (
          <Section name="Arguments" copied={whole.args}>
            <ValueTree value={whole.args} />
          </Section>
        )}
        {runResult?.kind === "success" && (
          <Section name="Result" copied={runResult.returnValue as unknown}>
            <ValueTree value={runResult.returnValue as unknown} />
          </Section>
        )}
        {runResult?.kind === "failed" && (
          <section className="wfc-section">
            <h3>Error</h3>
            <ErrorText text={runResult.error} label="Error of the step" />
          </section>
        )}
        {attempts.length > 0 && (
          <section className="wfc-section">
            <h3>Attempts</h3>
            <ol className="wfc-attempts">
              {attempts.map(({ startedAt, endedAt, error }, index) => (
                <li key={index}>
                  <div className="wfc-attempt">
                    <Swatch
                      kind={
                        error !== undefined
                          ? "failed"
                          : endedAt === undefined
                            ? "running"
                            : "succeeded"
                      }
                    />
                    <span>{attemptLabel(step, index)}</span>
                    <Time at={startedAt} now={now} />
                    <span className="wfc-muted">
                      {formatDuration((endedAt ?? now) - startedAt)}
                    </span>
                  </div>
                  {error !== undefined &&
                    !(
                      runResult?.kind === "failed" && runResult.error === error
                    ) && (
                      <ErrorText
                        text={error}
                        label={`Error of attempt ${index + 1}`}
                      />
                    )}
                </li>
              ))}
            </ol>
          </section>
        )}
      </div>
    </aside>
  );
}

function dueLabel(step: ConsoleStep) {
  if (step.kind === "sleep") return "Wakes up";
  if (step.kind === "event") return "Times out";
  return step.state === "backingOff" ? "Next attempt" : "Due";
}

function Child({ step: { child, state } }: { step: ConsoleStep }) {
  if (child) return <RunLink {...child}>{STATUS_LABELS[child.status]}</RunLink>;
  return (
    <span className="wfc-muted">
      {state === "done" ? "cleaned up" : "not started"}
    </span>
  );
}

function Section({
  name,
  copied,
  children,
}: {
  name: string;
  copied: unknown;
  children: React.ReactNode;
}) {
  return (
    <section className="wfc-section">
      <div className="wfc-section-head">
        <h3>{name}</h3>
        <CopyButton text={() => toJson(copied)} what={name.toLowerCase()} />
      </div>
      {children}
    </section>
  );
}
