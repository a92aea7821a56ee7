import type { RunCounts } from "../../client/types.js";
import { formatCount } from "../format.js";
import { STATUSES, type Status } from "../route.js";
import { STATUS_LABELS, StatusIcon } from "../ui/Status.js";

/** Shows the number of runs with each status. The tabs also filter by status. */
export function StatusTabs({
  counts,
  status,
  onChange,
}: {
  counts: RunCounts | undefined;
  status: Status | undefined;
  onChange: (status: Status | undefined) => void;
}) {
  return (
    <div className="wfc-tabs" role="group" aria-label="Status">
      <button
        type="button"
        className="wfc-tab"
        aria-pressed={status === undefined}
        onClick={() => onChange(undefined)}
      >
        All
      </button>
      {STATUSES.map((each) => (
        <button
          key={each}
          type="button"
          className="wfc-tab"
          aria-pressed={status === each}
          onClick={() => onChange(each)}
        >
          <StatusIcon status={each} />
          {STATUS_LABELS[each]}
          <span className="wfc-count wfc-status-count">
            {counts ? formatCount(counts[each]) : "–"}
          </span>
        </button>
      ))}
    </div>
  );
}
