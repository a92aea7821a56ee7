import { useRef, useState } from "react";
import type { RunSummary } from "../api.js";
import { useConsole } from "../context.js";
import type { LivePages } from "../data/live.js";
import { formatCount, formatDuration } from "../format.js";
import { doneOf } from "../run/steps.js";
import { formatHash } from "../route.js";
import { Time } from "../ui/basics.js";
import { Button } from "../ui/buttons.js";
import { useKeys, useWidth } from "../ui/hooks.js";
import { PagedTable, usePagedRows, type Column } from "../ui/PagedTable.js";
import { StatusLabel } from "../ui/Status.js";
import { useScrollAnchor, useScrollMemory } from "../ui/virtual.js";

/** Below this width, a row has two lines. `styles.ts` uses the same number. */
const NARROW_PX = 720;
const ROW_PX = 36;
const NARROW_ROW_PX = 60;

const AHEAD = 15;

/** A search by id stops by itself after this many pages, and one more for every ten matches. */
const PAGES_TO_SEARCH = 20;

export function RunsTable({
  runs,
  now,
  selected,
  onSelect,
}: {
  runs: LivePages<RunSummary>;
  now: number;
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
}) {
  const { items, loadMore } = runs;
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const height = width > 0 && width < NARROW_PX ? NARROW_ROW_PX : ROW_PX;
  const [activeId, setActiveId] = useState<string>();
  const active = items.findIndex(({ workflowId }) => workflowId === activeId);
  const isFruitful = runs.pageCount < PAGES_TO_SEARCH + items.length / 10;
  const paged = usePagedRows({
    pages: { items, loadMore: isFruitful ? loadMore : undefined },
    ...{ scroller, height, ahead: AHEAD, active },
    onMove: ({ workflowId }) => setActiveId(workflowId),
  });
  useScrollAnchor(scroller, items, height, ({ workflowId }) => workflowId);
  const { scrolls, runsHash } = useConsole();
  const rowsPx = items.length * height;
  useScrollMemory(scroller, scrolls, runsHash(), rowsPx, loadMore);

  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };

  useKeys((key) => {
    if (key !== "x" || active < 0) return false;
    toggle(items[active]!.workflowId);
    return true;
  });

  const all =
    items.length > 0 && items.every((run) => selected.has(run.workflowId));
  const some = !all && items.some((run) => selected.has(run.workflowId));
  const columns: Column<RunSummary>[] = [
    {
      header: (
        <input
          type="checkbox"
          aria-label="Select all loaded runs"
          checked={all}
          ref={(box) => {
            if (box) box.indeterminate = some;
          }}
          onChange={() =>
            onSelect(
              new Set(all ? [] : items.map(({ workflowId }) => workflowId)),
            )
          }
        />
      ),
      cell: ({ workflowId, name }) => (
        <input
          type="checkbox"
          aria-label={`Select ${name ?? "run"} ${workflowId}`}
          checked={selected.has(workflowId)}
          onChange={() => toggle(workflowId)}
        />
      ),
    },
    {
      header: "Status",
      className: "wfc-cell-status",
      cell: ({ status }) => <StatusLabel status={status} />,
    },
    {
      header: "Workflow",
      className: "wfc-cell-name",
      cell: ({ workflowId, name }) => (
        <a
          className="wfc-row-link"
          href={formatHash({ page: "run", workflowId, view: "timeline" })}
        >
          {name ?? "unnamed"}
        </a>
      ),
    },
    {
      header: "Id",
      className: "wfc-cell-id",
      cell: ({ workflowId }) => <code title={workflowId}>{workflowId}</code>,
    },
    {
      header: "Started",
      className: "wfc-cell-started",
      cell: ({ startedAt }) => <Time at={startedAt} now={now} />,
    },
    {
      header: "Duration",
      className: "wfc-cell-duration",
      cell: ({ status, startedAt, endedAt }) =>
        status === "inProgress" || endedAt !== undefined
          ? formatDuration((endedAt ?? now) - startedAt)
          : "–",
    },
    {
      header: "Steps",
      className: "wfc-cell-steps",
      cell: (run) => <Steps run={run} />,
    },
    {
      header: "Last error or wait",
      className: "wfc-cell-last",
      cell: (run) => <Last run={run} />,
    },
  ];
  return (
    <PagedTable
      className="wfc-runs"
      label="Runs"
      pages={runs}
      paged={paged}
      columns={columns}
      rowOf={({ workflowId }) => ({
        key: workflowId,
        "data-id": workflowId,
        "data-selected": selected.has(workflowId) || undefined,
        onFocus: () => setActiveId(workflowId),
      })}
    >
      {runs.isLoading && <Skeleton height={height} />}
      {loadMore && !isFruitful && (
        <p className="wfc-more">
          <Button kind="link" onClick={loadMore}>
            Search older runs
          </Button>
        </p>
      )}
    </PagedTable>
  );
}

function Steps({ run }: { run: RunSummary }) {
  const { count, inFlight } = run.steps;
  return (
    <>
      <span title="Steps done">{formatCount(doneOf(run.steps))}</span>
      {count > 0 && inFlight !== 0 && (
        <span className="wfc-muted" title="Steps in flight">
          {` / ${formatCount(inFlight)}`}
        </span>
      )}
    </>
  );
}

function Last({ run }: { run: RunSummary }) {
  if (run.error)
    return (
      <span className="wfc-error-line" title={run.error}>
        {run.error}
      </span>
    );
  const waits = run.blockedOn?.map(({ name }) => name).join(", ");
  return waits ? (
    <span className="wfc-muted" title={waits}>
      {waits}
    </span>
  ) : null;
}

function Skeleton({ height }: { height: number }) {
  return (
    <div className="wfc-skeleton" aria-hidden="true">
      {Array.from({ length: 12 }, (_, index) => (
        <div key={index} style={{ height }}>
          <span style={{ width: `${68 - ((index * 17) % 40)}%` }} />
        </div>
      ))}
    </div>
  );
}
