import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { RunDetails, ConsoleStep } from "../api.js";
import type { LivePages } from "../data/live.js";
import { formatDuration } from "../format.js";
import {
  isWhole,
  lengthOf,
  pan,
  spanOfRun,
  ticks,
  zoom,
  clamp,
  type Span,
} from "../timeline/axis.js";
import {
  latestOf,
  SEGMENT_KINDS,
  type SegmentKind,
} from "../timeline/segments.js";
import { Swatch, Time } from "../ui/basics.js";
import { Button, IconButton } from "../ui/buttons.js";
import { useKeys, useLatest, useWidth } from "../ui/hooks.js";
import { PagedTable, usePagedRows, type Column } from "../ui/PagedTable.js";
import { Bar } from "./Bar.js";
import { kindOf, stateOf } from "./steps.js";

const ROW_PX = 28;
const AHEAD = 30;

/** Narrower segments have no label, because it would be cut off. */
const LABEL_PX = 40;

/** Shows a run's steps as bars on a time axis or as a list. It renders only visible rows. */
export function StepsTable(props: {
  view: "timeline" | "list";
  run: RunDetails;
  steps: LivePages<ConsoleStep>;
  now: number;
  selected: number | undefined;
  onSelect: (stepNumber: number | undefined) => void;
}) {
  const { view, run, steps, now, selected, onSelect } = props;
  const { items } = steps;
  const scroller = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const width = useWidth(axis);
  const index = items.findIndex(({ stepNumber }) => stepNumber === selected);
  const paged = usePagedRows({
    ...{ pages: steps, scroller, height: ROW_PX, ahead: AHEAD, active: index },
    onMove: ({ stepNumber }) => onSelect(stepNumber),
  });
  const { rows } = paged;

  // Scrolls to the selected step once, when it is selected or loaded.
  const shownIndex = useRef(-1);
  useLayoutEffect(() => {
    if (index >= 0 && index !== shownIndex.current)
      rows.scrollToIndex(index, { align: "auto" });
    shownIndex.current = index;
  }, [index, rows]);

  const latest = useMemo(
    () => items.reduce((time, step) => Math.max(time, latestOf(step)), 0),
    [items],
  );
  const { startedAt, endedAt } = run;
  const ended =
    run.status === "inProgress"
      ? undefined
      : (endedAt ?? (latest || startedAt));
  const whole = spanOfRun({ startedAt, endedAt: ended, now, latest });
  const [part, setPart] = useState<Span>();
  const shown = part ? clamp(whole, part) : whole;

  const setShown = useCallback(
    (next: Span) => setPart(isWhole(whole, next) ? undefined : next),
    [whole.from, whole.to],
  );
  useWheel(scroller, view === "timeline", (event) => {
    const area = axis.current!.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      const share = (event.clientX - area.left) / area.width;
      const at = shown.from + lengthOf(shown) * Math.min(Math.max(share, 0), 1);
      setShown(zoom(whole, shown, Math.exp(event.deltaY / 200), at));
      return true;
    }
    const dx = event.shiftKey ? event.deltaY : event.deltaX;
    if (Math.abs(dx) <= Math.abs(event.shiftKey ? 0 : event.deltaY))
      return false;
    if (isWhole(whole, shown)) return false;
    setShown(pan(whole, shown, (dx / area.width) * lengthOf(shown)));
    return true;
  });

  const fit = () => setPart(undefined);
  const zoomIn = () => setShown(zoom(whole, shown, 0.5));
  const zoomOut = () => setShown(zoom(whole, shown, 2));
  useKeys((key) => {
    if (key === "f") fit();
    else if (key === "+" || key === "=") zoomIn();
    else if (key === "-") zoomOut();
    else return false;
    return true;
  });

  const columns: Column<ConsoleStep>[] = [
    {
      header: "#",
      className: "wfc-cell-number",
      cell: ({ stepNumber }) => stepNumber,
    },
    {
      header: "Step",
      className: "wfc-cell-name",
      cell: ({ stepNumber, name }) => (
        <button
          type="button"
          className="wfc-row-link"
          aria-pressed={stepNumber === selected}
          title={name}
          onClick={() =>
            onSelect(stepNumber === selected ? undefined : stepNumber)
          }
        >
          {name}
        </button>
      ),
    },
  ];
  if (view === "list") columns.push(...listColumns(now));
  else
    columns.push({
      header: (
        <Axis
          axisRef={axis}
          width={width}
          shown={shown}
          start={startedAt}
          onPan={(ms) => setShown(pan(whole, shown, ms))}
        />
      ),
      label: "Time since the start",
      className: "wfc-cell-bar",
      cell: (step) => (
        <Bar step={step} shown={shown} now={step.state === "done" ? 0 : now} />
      ),
    });
  return (
    <>
      {view === "timeline" && (
        <div className="wfc-timeline-tools">
          <Legend />
          <div className="wfc-zoom" role="group" aria-label="Zoom">
            <IconButton
              icon="minus"
              label="Zoom out"
              title="Zoom out (-)"
              disabled={part === undefined}
              onClick={zoomOut}
            />
            <IconButton
              icon="plus"
              label="Zoom in"
              title="Zoom in (+)"
              onClick={zoomIn}
            />
            <Button
              title="Show the whole run (f)"
              disabled={part === undefined}
              onClick={fit}
            >
              Fit
            </Button>
          </div>
        </div>
      )}
      <PagedTable
        className={`wfc-steps wfc-steps-${view}`}
        label="Steps"
        pages={steps}
        paged={paged}
        columns={columns}
        rowOf={({ stepNumber }) => ({
          key: stepNumber,
          "data-step": stepNumber,
          "data-selected": stepNumber === selected || undefined,
        })}
      >
        {!steps.isLoading && items.length === 0 && (
          <p className="wfc-message">This run has no steps yet.</p>
        )}
      </PagedTable>
    </>
  );
}

const listColumns = (now: number): Column<ConsoleStep>[] => [
  { header: "Kind", className: "wfc-muted", cell: kindOf },
  {
    header: "State",
    className: "wfc-cell-state",
    cell: (step) => (
      <>
        <Swatch kind={stateOf(step)} />
        {SEGMENT_KINDS[stateOf(step)]}
      </>
    ),
  },
  {
    header: "Started",
    cell: ({ startedAt }) => <Time at={startedAt} now={now} />,
  },
  {
    header: "Duration",
    cell: ({ state, startedAt, completedAt }) =>
      state === "done" && completedAt === undefined
        ? "–"
        : formatDuration((completedAt ?? now) - startedAt),
  },
  { header: "Attempts", cell: ({ attempts }) => attempts.length || "" },
];

function Axis({
  axisRef,
  width,
  shown,
  start,
  onPan,
}: {
  axisRef: React.RefObject<HTMLDivElement | null>;
  width: number;
  shown: Span;
  start: number;
  onPan: (ms: number) => void;
}) {
  return (
    <div
      className="wfc-axis"
      ref={axisRef}
      onPointerDown={(event) =>
        event.currentTarget.setPointerCapture(event.pointerId)
      }
      onPointerMove={(event) => {
        if (event.buttons === 1 && width > 0)
          onPan((-event.movementX / width) * lengthOf(shown));
      }}
    >
      {ticks(shown, start, width).map((at) => {
        const share = (start + at - shown.from) / lengthOf(shown);
        return (
          <span
            key={at}
            className="wfc-tick"
            style={{ left: `${share * 100}%` }}
          >
            {(1 - share) * width > LABEL_PX &&
              (at === 0 ? "0" : formatDuration(at))}
          </span>
        );
      })}
    </div>
  );
}

function Legend() {
  return (
    <ul className="wfc-legend" aria-label="Legend">
      {Object.entries(SEGMENT_KINDS).map(([kind, label]) => (
        <li key={kind}>
          <Swatch kind={kind as SegmentKind} />
          {label}
        </li>
      ))}
    </ul>
  );
}

/** React listens to wheels passively, so it can't keep the page from scrolling. */
function useWheel(
  element: React.RefObject<HTMLElement | null>,
  isOn: boolean,
  onWheel: (event: WheelEvent) => boolean,
) {
  const latest = useLatest(onWheel);
  useEffect(() => {
    const { current } = element;
    if (!current || !isOn) return;
    const listener = (event: WheelEvent) => {
      if (latest.current(event)) event.preventDefault();
    };
    current.addEventListener("wheel", listener, { passive: false });
    return () => current.removeEventListener("wheel", listener);
  }, [element, isOn]);
}
