import type { Status } from "../route.js";

export const STATUS_LABELS: Record<Status, string> = {
  inProgress: "In progress",
  completed: "Completed",
  failed: "Failed",
  canceled: "Canceled",
};

/** Each status differs in its shape too, not only in its color. */
const SHAPES: Record<Status, React.ReactNode> = {
  inProgress: (
    <>
      <circle cx="8" cy="8" r="5.5" opacity="0.35" />
      <path d="M8 2.5a5.5 5.5 0 0 1 5.5 5.5" />
    </>
  ),
  completed: (
    <>
      <circle cx="8" cy="8" r="6.5" className="wfc-fill" />
      <path d="m5.2 8.2 2 2 3.6-4.2" className="wfc-cut" />
    </>
  ),
  failed: (
    <>
      <circle cx="8" cy="8" r="6.5" className="wfc-fill" />
      <path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4" className="wfc-cut" />
    </>
  ),
  canceled: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="m4.4 11.6 7.2-7.2" />
    </>
  ),
};

export function StatusIcon({ status }: { status: Status }) {
  return (
    <svg
      className={`wfc-icon wfc-status-${status}`}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      {SHAPES[status]}
    </svg>
  );
}

export function StatusLabel({ status }: { status: Status }) {
  return (
    <span className={`wfc-status wfc-status-${status}`}>
      <StatusIcon status={status} />
      <span className="wfc-status-text">{STATUS_LABELS[status]}</span>
    </span>
  );
}
