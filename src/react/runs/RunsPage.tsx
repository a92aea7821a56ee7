import { useEffect, useMemo, useRef, useState } from "react";
import type { RunSummary } from "../api.js";
import { useConsole } from "../context.js";
import { useLive, useLivePages } from "../data/live.js";
import { formatCount, plural } from "../format.js";
import { RANGES, STATUSES, type Filter } from "../route.js";
import { ErrorMessage, Message } from "../ui/basics.js";
import { Button, Tabs } from "../ui/buttons.js";
import { useKeys, useNow } from "../ui/hooks.js";
import {
  ACTIONS,
  applies,
  labelOf,
  RunActionDialog,
  type Action,
} from "../ui/RunAction.js";
import { STATUS_LABELS, StatusIcon } from "../ui/Status.js";
import { Filters } from "./Filters.js";
import { RunsTable } from "./RunsTable.js";

export const RUNS_PER_PAGE = 50;

export function RunsPage({ filter }: { filter: Filter }) {
  const { api, navigate } = useConsole();
  const searchRef = useRef<HTMLInputElement>(null);
  const args = useArgs(filter);
  const runs = useLivePages(api.listRuns, args, RUNS_PER_PAGE);
  const { items } = runs;
  const now = useNow(items.some(({ status }) => status === "inProgress"));

  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const chosen = useMemo(
    () => items.filter(({ workflowId }) => selected.has(workflowId)),
    [items, selected],
  );
  const [asked, setAsked] = useState<{
    action: Action;
    runs: readonly RunSummary[];
  }>();
  const clear = () => setSelected(new Set());
  // Clears the selection, because it may contain runs that are no longer visible.
  useEffect(clear, [JSON.stringify(args)]);

  const change = (changes: Partial<Filter>) =>
    navigate(
      { page: "runs", filter: { ...filter, ...changes } },
      { replace: true },
    );

  useKeys((key) => {
    if (key === "/") searchRef.current?.focus();
    else if (key === "Escape" && chosen.length > 0) clear();
    else return false;
    return true;
  });

  const { value } = useLive(api.stats, { name: filter.name }, "stats");
  const isFiltered = Object.values(filter).some((value) => value !== undefined);

  return (
    <section className="wfc-page" aria-label="Runs">
      <header className="wfc-runs-header">
        <h1 className="wfc-title">Runs</h1>
        <Filters
          filter={filter}
          names={value?.names ?? []}
          searchRef={searchRef}
          onChange={change}
        />
      </header>
      <div className="wfc-toolbar">
        {chosen.length === 0 ? (
          <Tabs
            label="Status"
            options={[undefined, ...STATUSES]}
            chosen={filter.status}
            onChoose={(status) => change({ status })}
          >
            {(status) =>
              status ? (
                <>
                  <StatusIcon status={status} />
                  {STATUS_LABELS[status]}
                  <span className="wfc-count wfc-status-count">
                    {value ? formatCount(value.counts[status]) : "–"}
                  </span>
                </>
              ) : (
                "All"
              )
            }
          </Tabs>
        ) : (
          <div className="wfc-bulk" role="group" aria-label="Selected runs">
            <span className="wfc-bulk-count">
              {formatCount(chosen.length)} selected
            </span>
            {ACTIONS.map((action) => {
              const targets = chosen.filter(({ status }) =>
                applies(action, status),
              );
              return (
                <Button
                  key={action}
                  disabled={targets.length === 0}
                  onClick={() => setAsked({ action, runs: targets })}
                >
                  {labelOf(action)}
                  <span className="wfc-count">{targets.length}</span>
                </Button>
              );
            })}
            <Button kind="link" onClick={clear}>
              Clear
            </Button>
          </div>
        )}
      </div>
      {runs.error ? (
        <ErrorMessage error={runs.error} />
      ) : !runs.isLoading && items.length === 0 && runs.isDone ? (
        isFiltered ? (
          <Message title="No run matches these filters">
            <Button
              kind="link"
              onClick={() => navigate({ page: "runs", filter: {} })}
            >
              Remove all filters
            </Button>
          </Message>
        ) : (
          <Message title="No runs yet">
            <p>A run appears here as soon as your app starts one.</p>
          </Message>
        )
      ) : (
        <RunsTable
          runs={runs}
          now={now}
          selected={selected}
          onSelect={setSelected}
        />
      )}
      <footer className="wfc-footer">
        <span>
          {runs.isLoading || runs.error
            ? " "
            : runs.isDone
              ? plural(items.length, "run")
              : `The newest ${plural(items.length, "run")}`}
        </span>
        <span className="wfc-keys" aria-hidden="true">
          <kbd>j</kbd> <kbd>k</kbd> move <kbd>↵</kbd> open <kbd>x</kbd> select{" "}
          <kbd>/</kbd> search
        </span>
      </footer>
      {asked && (
        <RunActionDialog
          {...asked}
          onClose={() => setAsked(undefined)}
          onDone={clear}
        />
      )}
    </section>
  );
}

/** Returns the query's arguments. A range ends now. Its beginning was fixed when the user chose it. */
function useArgs({ status, name, idPrefix, range, since, until }: Filter) {
  const rangeSince = useMemo(
    () => (range ? Date.now() - RANGES[range].ms : undefined),
    [range],
  );
  return { status, name, idPrefix, since: rangeSince ?? since, until };
}
