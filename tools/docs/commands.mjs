/**
 * Lists the commands in the documents, except calls of a document's own app, which are executed with it.
 * `runBy` is the file through which the gate runs the command, and `proof` is the part of that file that
 * shows it. `whyNot` says why nothing runs it.
 */
const stage = (script) => ({
  runBy: "tools/gate.mjs",
  proof: `npmScript: ["${script}"`,
});
const local = (proof) => ({
  runBy: "tools/local-backend/server/example.test.ts",
  proof,
});
const bySource = (runBy, proof) => ({ runBy, proof });
const not = (whyNot) => ({ whyNot });

const GATE = bySource("tools/gate.mjs", "const LANES = [");
const DEMO = bySource(
  "example/demo/demo.test.ts",
  '["run", "--silent", "demo", ...piped]',
);
const PACK = bySource(
  "tools/installPacked.mjs",
  '["pack", "--ignore-scripts", "--pack-destination", tarballDir]',
);
const DEV = bySource(
  "tools/local-backend/testing/devProcess.ts",
  "/** `npm run dev:local` of an app. */",
);
const CLI = bySource(
  "tools/local-backend/testing/devProcess.ts",
  "/** `npm run convex -- <args>`, to its end. */",
);
const QUICKSTART = bySource(
  "tools/checkPack.mjs",
  "followQuickstart(empty, tarball)",
);
const TESTS = bySource("tools/gate.mjs", '["vitest", "run"]');
const SOAK = not(
  "it takes minutes; tools/local-backend/backend/workflowFaults.test.ts is the short one",
);
const BENCH = not(
  "it takes minutes; tools/bench/limits.test.ts measures what may not get worse",
);

export const COMMANDS = {
  "npm ci": not("it comes before the gate"),
  "npm ci && npm run demo": DEMO,
  "npm run demo": DEMO,
  "npm run demo onboarding race": DEMO,
  "npm run demo -- --help": not("example/demo/demo.test.ts runs the demo"),
  "npm test": GATE,
  "npm ci && npm test": GATE,
  "npm run format:check": stage("format:check"),
  "npm run format": not("it writes; the gate checks"),
  "npm run lint": stage("lint"),
  "npm run build": stage("build"),
  "npm run codegen": stage("codegen"),
  "npm run typecheck": stage("typecheck"),
  "npm run check:bundle": stage("check:bundle"),
  "npm run check:pack": stage("check:pack"),
  "npm run docs:check": stage("docs:check"),
  "npm run docs:check -- --keep": not("it leaves a folder behind"),
  "npm run docs:check -- --write": not("it writes; the gate checks"),
  "npm run test:fast": TESTS,
  "npm run test:watch": not("it watches, until it is stopped"),
  "npx vitest run src/client/replay": TESTS,
  "npm run test:peers": not("it installs from npm; it is for releases"),
  "npm run test:peers -- --all": not("as without --all"),
  "npm run mutants": not("it takes minutes; it is for releases"),
  "npm run mutants -- <word>": not("as without a word"),
  "node tools/docs/wordCounts.mjs": not("it only counts"),
  "npm run record:legacy": not("what it writes is checked in"),
  "npm run soak": SOAK,
  "npm run screenshots": not("tools/browser/console.test.ts shows its pages"),
  "npm run soak -- --seconds 600": SOAK,
  "npm run bench": BENCH,
  "npm run bench -- --quick": BENCH,
  "node tools/bench/replay.mjs . ../before": not(
    "it compares two checkouts; tools/bench/replay.test.ts runs the same turns",
  ),
  "npm run bench -- --help": not("tools/bench/limits.test.ts runs the bench"),
  "npm ci && npm pack": PACK,
  "npm pack": PACK,
  "npm publish": not("only a release does"),
  "cd your-app": not("it stands for a folder of the reader's"),
  "npm install path/to/convex-dev-workflow-0.5.0.tgz": not(
    "it would ask the registry for the peers; tools/checkPack.mjs unpacks the tarball instead",
  ),
  "mkdir my-app && cd my-app": QUICKSTART,
  "npm init -y": QUICKSTART,
  'npm install "convex@^1.43.0" "typescript@5" path/to/convex-dev-workflow-0.5.0.tgz':
    QUICKSTART,
  "npx convex dev": QUICKSTART,
  "npx convex data emails": QUICKSTART,
  "npm run dev:local": DEV,
  "npm run dev:local -- --help": not(
    "tools/local-backend/dev.test.ts runs the server",
  ),
  "npm run dev:local -- --port 3210": bySource(
    "tools/local-backend/dev.test.ts",
    'const options = ["--port", `${port}`',
  ),
  "npx convex run": CLI,
  "npx convex": CLI,
  'npm run convex -- run example:exampleWorkflow \'{ "args": { "exampleArg": "James" } }\'':
    bySource(
      "tools/local-backend/server/example.test.ts",
      'runInCli("example:exampleWorkflow"',
    ),
  'npm run convex -- run --watch example:status \'{ "workflowId": "<the id that printed>" }\'':
    bySource(
      "tools/local-backend/server/example.test.ts",
      '["run", "--watch", "approval:status"]',
    ),
  "npx convex run --component workflow utils:recover": local(
    'runInCli("utils:recover", {}',
  ),
  "npm run convex -- data --component workflow steps": local(
    'convex(app, "data", "--component", "workflow")',
  ),
  "npx convex data": CLI,
  "npx convex data --component workflow steps": local(
    'convex(app, "data", "--component", "workflow")',
  ),
  "npx convex data --component workflow onCompleteFailures": local(
    'convex(app, "data", "--component", "workflow")',
  ),
  "npm run convex -- logs": local('startConvex(app, "logs")'),
};
