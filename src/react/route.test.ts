import { describe, expect, test } from "vitest";
import { formatHash, parseHash, type Route } from "./route.js";

const NOTHING = {
  status: undefined,
  name: undefined,
  idPrefix: undefined,
  range: undefined,
  since: undefined,
  until: undefined,
};

describe("a route survives the URL", () => {
  test.each<[string, Route]>([
    ["all runs", { page: "runs", filter: NOTHING }],
    [
      "every filter with a range",
      {
        page: "runs",
        filter: {
          ...NOTHING,
          status: "failed",
          name: "folder/file:a&b=c d#%",
          idPrefix: "k17",
          range: "24h",
        },
      },
    ],
    [
      "times",
      {
        page: "runs",
        filter: {
          ...NOTHING,
          since: 1_700_000_000_000,
          until: 1_700_000_001_000,
        },
      },
    ],
    [
      "a run",
      { page: "run", workflowId: "k17abc", view: "timeline", step: undefined },
    ],
    [
      "a step in the list",
      { page: "run", workflowId: "a/b?c#d%e", view: "list", step: 1999 },
    ],
    ["step 0", { page: "run", workflowId: "k", view: "events", step: 0 }],
  ])("%s", (_name, route) => {
    expect(parseHash(formatHash(route))).toEqual(route);
  });
});

test.each([
  "",
  "#",
  "#/",
  "#somewhere-else",
  "#/runs",
  "#/runs/",
  "#/?status=lost&range=9y&since=yesterday&until=",
])("a hash without a known view, such as %j, shows all runs", (hash) => {
  expect(parseHash(hash)).toEqual({ page: "runs", filter: NOTHING });
});

test("a run's hash with a malformed id, view or step still leads to a run", () => {
  expect(parseHash("#/runs/%E0%A4?view=graph&step=-1")).toEqual({
    page: "run",
    workflowId: "%E0%A4",
    view: "timeline",
    step: undefined,
  });
});

test("a range takes precedence over times", () => {
  expect(parseHash("#/?range=1h&since=2026-01-01T00:00:00Z")).toEqual({
    page: "runs",
    filter: { ...NOTHING, range: "1h" },
  });
});
