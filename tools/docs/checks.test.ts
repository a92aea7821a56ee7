// @vitest-environment node
import { expect, test } from "vitest";
import { compareExports, readTables } from "./checkExports.mjs";
import { checkLimits, SOURCE } from "./checkLimits.mjs";
import { costTable } from "./costTable.mjs";
import { readDocuments } from "./documents.mjs";
import { anchorsOf, jsDocAsMarkdown, parseMarkdown } from "./markdown.mjs";
import { Problems } from "./problems.mjs";
import { checkExecuted } from "./required.mjs";
import { commandsOf } from "./shell.mjs";
import { transcriptOf } from "./transcript.mjs";

// Errors that `wrong.md` can't contain, because it is checked along with the documents.

const texts = (problems: Problems) => [...problems.texts()];

const TABLE = `## \`pkg\`

| export  | kind     | defined in    | is  |
| ------- | -------- | ------------- | --- |
| \`one\`   | function | \`src/one.ts\`  |     |
| \`Two\`   | function | \`src/two.ts\`  |     |
| \`three\` | value    | \`src/none.ts\` |     |
| \`gone\`  | type     | \`src/one.ts\`  |     |
`;
const exported = (
  name: string,
  isValue: boolean,
  documentation = "What it is",
) => ({
  name,
  isValue,
  definedIn: `src/${name.toLowerCase()}.ts`,
  documentation,
});

test("an export that is unlisted, misplaced, of another kind or removed is reported", () => {
  const problems = new Problems();
  const rows: any = readTables({ lines: TABLE.split("\n") }).get("pkg");
  const all = [
    exported("one", true),
    exported("Two", false),
    exported("three", true),
    exported("four", true),
  ];
  compareExports("pkg", rows, all, problems);
  expect(texts(problems)).toEqual([
    "_autodocs/EXPORTS.md:6: Two is a type, not a function",
    "_autodocs/EXPORTS.md:7: three is defined in src/three.ts, not src/none.ts",
    "_autodocs/EXPORTS.md: pkg exports four, not listed",
    "_autodocs/EXPORTS.md:8: pkg has no gone",
  ]);
});

test("an export without a JSDoc comment is reported", () => {
  const problems = new Problems();
  const definedIn = "src/client/one.ts";
  const row = { name: "one", kind: "value", file: definedIn, at: 0 };
  const one = { ...exported("one", true, ""), definedIn };
  compareExports("pkg", [row], [one] as never, problems);
  expect(texts(problems)).toEqual([`${definedIn}: one has no JSDoc comment`]);
});

test("a section without an executed example and a missing document are reported", () => {
  const problems = new Problems();
  const code = "// convex/a.ts\nexport {};\n";
  const block = { source: "a.md", line: 1, lang: "ts", flags: [], code };
  const executed = {
    ...block,
    heading: "Done",
    code: `${code}// > a({})\n// 1`,
  };
  const blocks = [{ ...block, heading: "Shown" }, executed];
  checkExecuted([{ source: "a.md", blocks }] as never, problems, {
    "a.md": ["Shown", "Done"],
    "b.md": "all",
  } as never);
  expect(texts(problems)).toEqual([
    'a.md: no example is executed in "Shown"',
    "b.md: this document is missing",
  ]);
});

test("a wrong limit and an unchecked limit are reported", async () => {
  const documents = await readDocuments();
  const limitsIn = async (change: (readme: string) => string) => {
    const problems = new Problems();
    const { source, lines } = documents.find(
      ({ source }) => source === SOURCE,
    )!;
    const changed = change(lines.join("\n")).split("\n");
    await checkLimits([{ source, lines: changed }] as never, problems);
    return texts(problems).map((text) => text.replace(/:\d+:/, ":"));
  };
  expect(await limitsIn((readme) => readme)).toEqual([]);
  expect(
    await limitsIn((readme) => readme.replace("| 8 MiB", "| 9 MiB")),
  ).toEqual([`${SOURCE}: the limit of "Journal of one run" should be "8 MiB"`]);
  const another = "| luck | 1 | it ends | nowhere |\n\n[CONTRIBUTING]";
  expect(
    await limitsIn((readme) => readme.replace("\n[CONTRIBUTING]", another)),
  ).toEqual([`${SOURCE}: nobody checks: luck`]);
});

test("the cost table adds measured costs, and reports missing ones", () => {
  expect(() => costTable([])).toThrow(
    "Not measured: 0.4.8, sequential mutation",
  );
});

test("calls, their expected results and later results are parsed", () => {
  const code = [
    "// > one({",
    "//   a: 1,",
    "// })",
    '// waits for "b"',
    "// then completed: { c: 1, ... }",
    "",
    "// no call",
    "// > other.two({ workflowId })",
    '// throws "no"',
  ].join("\n");
  expect(transcriptOf(code)).toEqual([
    {
      at: 0,
      path: ["one"],
      args: expect.stringMatching(/^\{\s+a: 1,\s+\}$/),
      expectations: [
        { kind: "waits", value: '["b"]' },
        { kind: "completed", value: "expect.objectContaining({ c: 1})" },
      ],
    },
    {
      at: 7,
      path: ["other", "two"],
      args: "{ workflowId }",
      expectations: [{ kind: "throws", value: '"no"' }],
    },
  ]);
});

test("blocks keep their lines, in Markdown and in JSDoc", () => {
  const { blocks } = parseMarkdown(
    "a.md",
    "# A\n\n```ts same\nconst a = 1;\n```\n",
  );
  expect(blocks).toEqual([
    {
      ...{ source: "a.md", line: 4, lang: "ts", flags: ["same"] },
      ...{ code: "const a = 1;", heading: "A" },
    },
  ]);
  const source =
    "/** One. */\nconst x = 1;\n/**\n * Two:\n *\n * ```ts\n * f();\n * ```\n */";
  expect(parseMarkdown("a.ts", jsDocAsMarkdown(source)).blocks).toMatchObject([
    { line: 7, code: "f();" },
  ]);
});

test("anchors match GitHub's", () => {
  expect(
    anchorsOf(["`onComplete`", "Parallel and race", "List", "List", "start()"]),
  ).toEqual(["oncomplete", "parallel-and-race", "list", "list-1", "start"]);
});

test("each line is a command, with continuations joined and comments removed", () => {
  const code = "# first\nnpm ci \\\n  && npm test # all\n\nls";
  expect(commandsOf({ code, line: 10 })).toEqual([
    { command: "npm ci && npm test", line: 12 },
    { command: "ls", line: 14 },
  ]);
});
