import { memo } from "react";
import type { ConsoleStep } from "../api.js";
import { formatDuration } from "../format.js";
import { place } from "../timeline/axis.js";
import { SEGMENT_KINDS, segmentsOf } from "../timeline/segments.js";
import { Swatch, Time } from "../ui/basics.js";
import { kindOf, stateOf } from "./steps.js";

/** Renders when its step changes, the axis moves or, while it is in flight, time passes. */
export const StepRow = memo(function StepRow(props: {
  step: ConsoleStep;
  index: number;
  start: number;
  height: number;
  view: "timeline" | "list";
  /** The start of the visible time span. */
  from: number;
  to: number;
  /** 0 if the step is done. */
  now: number;
  isSelected: boolean;
  onSelect: (stepNumber: number | undefined) => void;
}) {
  const { step, index, start, height, view, now, isSelected, onSelect } = props;
  const { stepNumber, name } = step;
  const state = stateOf(step);
  return (
    <div
      className="wfc-row"
      role="row"
      aria-rowindex={index + 2}
      data-step={stepNumber}
      data-selected={isSelected || undefined}
      style={{ height, transform: `translateY(${start}px)` }}
    >
      <span role="cell" className="wfc-cell-number">
        {stepNumber}
      </span>
      <span role="cell" className="wfc-cell-name">
        <button
          type="button"
          className="wfc-row-link"
          aria-pressed={isSelected}
          title={name}
          onClick={() => onSelect(isSelected ? undefined : stepNumber)}
        >
          {name}
        </button>
      </span>
      {view === "timeline" ? (
        <span role="cell" className="wfc-cell-bar">
          <Bar {...props} />
        </span>
      ) : (
        <>
          <span role="cell" className="wfc-muted">
            {kindOf(step)}
          </span>
          <span role="cell" className="wfc-cell-state">
            <Swatch kind={state} />
            {SEGMENT_KINDS[state]}
          </span>
          <span role="cell">
            <Time at={step.startedAt} now={now || Date.now()} />
          </span>
          <span role="cell" className="wfc-cell-duration">
            {step.state === "done" && step.completedAt === undefined
              ? "–"
              : formatDuration((step.completedAt ?? now) - step.startedAt)}
          </span>
          <span role="cell" className="wfc-cell-attempts">
            {step.attempts.length || ""}
          </span>
        </>
      )}
    </div>
  );
});

function Bar({
  step,
  from,
  to,
  now,
}: {
  step: ConsoleStep;
  from: number;
  to: number;
  now: number;
}) {
  const shown = { from, to };
  const segments = segmentsOf(step, now);
  const last = segments.at(-1);
  const end = step.completedAt ?? now;
  const label = `${SEGMENT_KINDS[stateOf(step)]}, ${formatDuration(end - step.startedAt)}`;
  const endPlace = last && place(shown, last.to, last.to);
  return (
    <span className="wfc-bar" role="img" aria-label={label} title={label}>
      {segments.map((segment, index) => {
        const at = place(shown, segment.from, segment.to);
        return (
          at && (
            <span
              key={index}
              className={`wfc-seg wfc-seg-${segment.kind}`}
              data-kind={segment.kind}
              style={{ left: `${at.left}%`, width: `${at.width}%` }}
            />
          )
        );
      })}
      {endPlace && endPlace.left < 88 && (
        <span
          className="wfc-bar-label"
          aria-hidden="true"
          style={{ left: `${endPlace.left}%` }}
        >
          {formatDuration(end - step.startedAt)}
        </span>
      )}
    </span>
  );
}
