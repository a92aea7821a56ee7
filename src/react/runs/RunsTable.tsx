import {
  memo,
  useRef,
  useState,
  useCallback,
  type Dispatch,
  type SetStateAction,
} from "react";
import type { RunSummary } from "../api.js";
import { useConsole } from "../context.js";
import type { LivePages } from "../data/live.js";
import { formatCount, formatDuration } from "../format.js";
import { doneOf } from "../run/steps.js";
import { formatHash } from "../route.js";
import { Time } from "../ui/basics.js";
import { Button } from "../ui/buttons.js";
import { useKeys, useWidth } from "../ui/hooks.js";
import {
  ColumnHeaders,
  PagedTable,
  usePagedRows,
  type Placed,
} from "../ui/PagedTable.js";
import { StatusLabel } from "../ui/Status.js";
import { useScrollAnchor, useScrollMemory } from "../ui/virtual.js";

/** Below this width, a row has two lines. `styles.ts` uses the same number. */
const NARROW_PX = 720;
const ROW_PX = 36;
const NARROW_ROW_PX = 60;

const AHEAD = 15;

/** A search by id loads this many pages by itself, because they may have few matches or none. */
const PAGES_TO_SEARCH = 20;

const COLUMNS = [
  "Status",
  "Workflow",
  "Id",
  "Started",
  "Duration",
  "Steps",
  "Last error or wait",
];

export function RunsTable({
  runs,
  now,
  selected,
  onSelect,
}: {
  runs: LivePages<RunSummary>;
  now: number;
  selected: ReadonlySet<string>;
  onSelect: Dispatch<SetStateAction<ReadonlySet<string>>>;
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
    focusableOf: ({ workflowId }) => `[data-id="${CSS.escape(workflowId)}"] a`,
    onMove: ({ workflowId }) => setActiveId(workflowId),
  });
  useScrollAnchor(scroller, items, height, ({ workflowId }) => workflowId);
  const { scrolls, runsHash } = useConsole();
  const rowsPx = items.length * height;
  useScrollMemory(scroller, scrolls, runsHash(), rowsPx, loadMore);

  const toggle = useCallback(
    (id: string) => onSelect((before) => toggled(before, id)),
    [onSelect],
  );

  useKeys((key) => {
    if (key !== "x" || active < 0) return false;
    toggle(items[active]!.workflowId);
    return true;
  });

  const all =
    items.length > 0 && items.every((run) => selected.has(run.workflowId));
  const some = !all && items.some((run) => selected.has(run.workflowId));
  return (
    <PagedTable
      className="wfc-runs"
      label="Runs"
      pages={runs}
      paged={paged}
      columns={
        <>
          <span role="columnheader" className="wfc-cell-check">
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
          </span>
          <ColumnHeaders names={COLUMNS} />
        </>
      }
      row={(run, placed) => (
        <Row
          key={run.workflowId}
          run={run}
          {...placed}
          now={run.status === "inProgress" ? now : 0}
          isSelected={selected.has(run.workflowId)}
          onToggle={toggle}
          onFocus={setActiveId}
        />
      )}
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

function toggled(selected: ReadonlySet<string>, id: string) {
  const next = new Set(selected);
  if (!next.delete(id)) next.add(id);
  return next;
}

type RowProps = Placed & {
  run: RunSummary;
  /** 0 if the run has ended, so that it isn't rendered again each second. */
  now: number;
  isSelected: boolean;
  onToggle: (workflowId: string) => void;
  onFocus: (workflowId: string) => void;
};

const Row = memo(function Row(props: RowProps) {
  const { run, index, start, height, now, isSelected } = props;
  const { workflowId, name, status, startedAt, endedAt } = run;
  const reference = now || Date.now();
  return (
    <div
      className="wfc-row"
      role="row"
      aria-rowindex={index + 2}
      data-id={workflowId}
      data-selected={isSelected || undefined}
      style={{ height, transform: `translateY(${start}px)` }}
      onFocus={() => props.onFocus(workflowId)}
    >
      <span role="cell" className="wfc-cell-check">
        <input
          type="checkbox"
          aria-label={`Select ${name ?? "run"} ${workflowId}`}
          checked={isSelected}
          onChange={() => props.onToggle(workflowId)}
        />
      </span>
      <span role="cell" className="wfc-cell-status">
        <StatusLabel status={status} />
      </span>
      <span role="cell" className="wfc-cell-name">
        <a
          className="wfc-row-link"
          href={formatHash({ page: "run", workflowId, view: "timeline" })}
        >
          {name ?? "unnamed"}
        </a>
      </span>
      <code role="cell" className="wfc-cell-id" title={workflowId}>
        {workflowId}
      </code>
      <span role="cell" className="wfc-cell-started">
        <Time at={startedAt} now={reference} />
      </span>
      <span role="cell" className="wfc-cell-duration">
        {status === "inProgress" || endedAt !== undefined
          ? formatDuration((endedAt ?? reference) - startedAt)
          : "–"}
      </span>
      <span role="cell" className="wfc-cell-steps">
        <Steps run={run} />
      </span>
      <span role="cell" className="wfc-cell-last">
        <Last run={run} />
      </span>
    </div>
  );
});

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
