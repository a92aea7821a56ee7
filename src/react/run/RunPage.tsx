import { useEffect, useMemo, useState } from "react";
import type { RunDetails } from "../api.js";
import { useConsole } from "../context.js";
import { useLive, useLivePages } from "../data/live.js";
import { capitalized } from "../format.js";
import { VIEWS, type Route } from "../route.js";
import { Tabs } from "../ui/buttons.js";
import { ErrorMessage, Message } from "../ui/basics.js";
import { useKeys, useNow } from "../ui/hooks.js";
import { applies, RunActionDialog, type Action } from "../ui/RunAction.js";
import { Events } from "./Events.js";
import { RunHeader } from "./RunHeader.js";
import { StepDetails } from "./StepDetails.js";
import { StepsTable } from "./StepsTable.js";

export const STEPS_PER_PAGE = 100;
const EVENTS_PER_PAGE = 50;

type RunRoute = Extract<Route, { page: "run" }>;

export function RunPage({ route }: { route: RunRoute }) {
  const { api, runsHash } = useConsole();
  const { workflowId } = route;
  const [eventCount, setEventCount] = useState(EVENTS_PER_PAGE);
  const { value: run, error } = useLive(
    api.getRun,
    { workflowId, events: { numItems: eventCount, cursor: null } },
    workflowId,
  );
  return (
    <section className="wfc-page wfc-run" aria-label="Run">
      <nav className="wfc-crumbs" aria-label="Breadcrumb">
        <a href={runsHash()}>Runs</a>
        <span aria-hidden="true">/</span>
        <code className="wfc-ellipsis" aria-current="page">
          {workflowId}
        </code>
      </nav>
      {error ? (
        <ErrorMessage error={error} />
      ) : run === null ? (
        <Message title="This run doesn't exist">
          <p>It was cleaned up, or the id is wrong.</p>
        </Message>
      ) : run ? (
        <LoadedRun
          route={route}
          run={run}
          onMoreEvents={() => setEventCount(eventCount + EVENTS_PER_PAGE)}
        />
      ) : (
        <div className="wfc-message" role="status">
          Loading…
        </div>
      )}
    </section>
  );
}

function LoadedRun({
  route,
  run,
  onMoreEvents,
}: {
  route: RunRoute;
  run: RunDetails;
  onMoreEvents: () => void;
}) {
  const { api, navigate, runsHash } = useConsole();
  const { workflowId, view } = route;
  const now = useNow(run.status === "inProgress");
  const steps = useLivePages(api.listSteps, { workflowId }, STEPS_PER_PAGE);
  const { items, loadMore } = steps;
  const [asked, setAsked] = useState<{ action: Action; from?: number }>();

  const show = (changes: Partial<RunRoute>, replace = true) =>
    navigate({ ...route, ...changes }, { replace });
  const select = (step: number | undefined) => show({ step });

  const selected = useMemo(
    () => items.find(({ stepNumber }) => stepNumber === route.step),
    [items, route.step],
  );
  // A link may lead to a step whose page hasn't loaded yet.
  const isMissing = route.step !== undefined && !selected;
  useEffect(() => {
    if (isMissing) loadMore?.();
  }, [isMissing, loadMore]);

  useKeys((key) => {
    if (key !== "Escape") return false;
    if (route.step !== undefined) select(undefined);
    else location.hash = runsHash();
    return true;
  });

  const { page: events, isDone: hasAllEvents } = run.events;
  return (
    <>
      <RunHeader
        run={run}
        now={now}
        steps={items}
        onAction={(action) => setAsked({ action })}
      />
      <div className="wfc-body">
        <div className="wfc-main">
          <div className="wfc-toolbar">
            <Tabs
              label="View"
              options={VIEWS}
              chosen={view}
              onChoose={(view) => show({ view })}
            >
              {(each) => (
                <>
                  {capitalized(each)}
                  {each === "events" && events.length > 0 && (
                    <span className="wfc-count">
                      {events.length}
                      {hasAllEvents ? "" : "+"}
                    </span>
                  )}
                </>
              )}
            </Tabs>
          </div>
          {view === "events" ? (
            <Events
              workflowId={workflowId}
              events={events}
              now={now}
              onMore={hasAllEvents ? undefined : onMoreEvents}
            />
          ) : steps.error ? (
            <ErrorMessage error={steps.error} />
          ) : (
            <StepsTable
              view={view}
              run={run}
              steps={steps}
              now={now}
              selected={route.step}
              onSelect={select}
            />
          )}
        </div>
        {selected && view !== "events" && (
          <StepDetails
            key={selected.stepNumber}
            workflowId={workflowId}
            step={selected}
            now={now}
            canRestart={applies("restart", run.status)}
            onRestart={() =>
              setAsked({ action: "restart", from: selected.stepNumber })
            }
            onClose={() => select(undefined)}
          />
        )}
      </div>
      {asked && (
        <RunActionDialog
          action={asked.action}
          runs={[run]}
          from={items.find(({ stepNumber }) => stepNumber === asked.from)}
          onClose={() => setAsked(undefined)}
          onDone={() => {
            if (asked.action === "cleanup") location.hash = runsHash();
          }}
        />
      )}
    </>
  );
}
