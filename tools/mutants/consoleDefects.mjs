/** Defects in the console's page. See defects.mjs. */

const test = (file, title) => ({ file: `src/react/${file}.test.ts`, title });

const inBrowser = (title) => ({ file: "tools/browser/console.test.ts", title });

export const CONSOLE_DEFECTS = [
  {
    name: "console: rows rendered that nobody sees",
    file: "src/react/ui/virtual.ts",
    find: "overscan: 8,",
    replace: "overscan: 800,",
    killedBy: inBrowser(
      "pages through 1,000 runs, newest first, and renders only those in view",
    ),
  },
  {
    name: "console: the app's styles of elements apply",
    file: "src/react/styles.ts",
    find: "{ all: revert; box-sizing: border-box; }",
    replace: "{ box-sizing: border-box; }",
    killedBy: inBrowser(
      "the app's own element styles don't affect the console",
    ),
  },
  {
    name: "console: a page doesn't end where the next begins",
    file: "src/react/data/pages.ts",
    find: '    return typeof endCursor === "string"',
    replace: '    return typeof endCursor === "number"',
    killedBy: test(
      "data/pages",
      "the last page is open, and every other ends where the next begins",
    ),
  },
  {
    name: "console: what a page that was cut short lacks isn't loaded",
    file: "src/react/data/pages.ts",
    find: "page.continueCursor !== end && !page.isDone",
    replace: "false",
    killedBy: test("data/pages", "continues a page that the server cut short"),
  },
  {
    name: "console: time between attempts shown as queued",
    file: "src/react/timeline/segments.ts",
    find: 'index === 0 ? "queued" : "backingOff"',
    replace: '"queued"',
    killedBy: test(
      "timeline/segments",
      "shows the backoff between attempts, and each attempt's result",
    ),
  },
  {
    name: "console: a zoom loses the time under the pointer",
    file: "src/react/timeline/axis.ts",
    find: "const from = at - length * share;",
    replace: "const from = at - length / 2;",
    killedBy: test(
      "timeline/axis",
      "zooming keeps the time under the pointer in place",
    ),
  },
  {
    name: "console: a malformed link crashes the page",
    file: "src/react/route.ts",
    find: "workflowId: decode(id),",
    replace: "workflowId: decodeURIComponent(id),",
    killedBy: test(
      "route",
      "a run's hash with a malformed id, view or step still leads to a run",
    ),
  },
  {
    name: "console: a preview goes through all of a long array",
    file: "src/react/values.ts",
    find: "      if (out.room <= 0) return;\n",
    replace: "",
    killedBy: test("values", "reads only the part that it shows"),
  },
  {
    name: "console: the stack of a refused call shown",
    file: "src/react/ui/errors.ts",
    find: '    .replace(/\\n\\s+at [^]*$/, "")\n',
    replace: "",
    killedBy: test(
      "ui/errors",
      "of an error with its stack, messageOf shows what a person should read",
    ),
  },
];
