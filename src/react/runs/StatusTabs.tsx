import type { RunCounts } from "../../client/types.js";
import { formatCount } from "../format.js";
import { STATUSES, type Status } from "../route.js";
import { Button } from "../ui/buttons.js";
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
      <Button
        kind="tab"
        aria-pressed={status === undefined}
        onClick={() => onChange(undefined)}
      >
        All
      </Button>
      {STATUSES.map((each) => (
        <Button
          key={each}
          kind="tab"
          aria-pressed={status === each}
          onClick={() => onChange(each)}
        >
          <StatusIcon status={each} />
          {STATUS_LABELS[each]}
          <span className="wfc-count wfc-status-count">
            {counts ? formatCount(counts[each]) : "–"}
          </span>
        </Button>
      ))}
    </div>
  );
}
