import type { ConsoleStep } from "../api.js";
import { formatDuration } from "../format.js";
import { place, type Span } from "../timeline/axis.js";
import { SEGMENT_KINDS, segmentsOf } from "../timeline/segments.js";
import { stateOf } from "./steps.js";

/** Shows a step on the time axis. */
export function Bar({
  step,
  shown,
  now,
}: {
  step: ConsoleStep;
  shown: Span;
  /** 0 if the step is done. */
  now: number;
}) {
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
