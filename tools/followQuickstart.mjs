/**
 * Follows `_autodocs/QUICKSTART.md` from an empty folder, with npm's registry and the packed package: writes its files,
 * runs its commands in order, and checks the rows that they leave behind. The local backend stands in for a deployment.
 */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createDeployment } from "./local-backend/backend/deployment.mjs";
import { startLocalServer } from "./local-backend/server/localServer.mjs";
import { fileOf, isTypeScript } from "./docs/assemble.mjs";
import { parseMarkdown } from "./docs/markdown.mjs";
import { commandsOf } from "./docs/shell.mjs";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";

const SOURCE = "_autodocs/QUICKSTART.md";
const TARBALL = "path/to/convex-dev-workflow-0.5.0.tgz";
/** Does the first steps of `npx convex dev` in a new app, without watching. */
const PUSH =
  "npx convex codegen --init && npx convex dev --once --typecheck enable";
const MAX_WAIT_MS = 240_000;

/**
 * @param {string} folder an empty one
 * @param {string} tarball the packed package
 */
export async function followQuickstart(folder, tarball) {
  const text = await readFile(path.join(ROOT, SOURCE), "utf8");
  assert(text.includes(TARBALL), `${SOURCE} doesn't install ${TARBALL}`);
  const deployment = createDeployment();
  const server = await startLocalServer({ deployment });
  try {
    const shell = createShell(folder, server, tarball);
    for (const block of parseMarkdown(SOURCE, text).blocks) {
      if (isTypeScript(block)) await writeBlock(shell.cwd, block);
      else if (block.lang === "sh")
        for (const { command } of commandsOf(block)) await shell.run(command);
    }
    await checkResult(deployment);
  } finally {
    await server.close();
    await deployment.close();
  }
}

function createShell(folder, { url, adminKey }, tarball) {
  const env = {
    ...process.env,
    CONVEX_SELF_HOSTED_URL: url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
    CONVEX_DEPLOYMENT: "",
    CONVEX_DEPLOY_KEY: "",
    CI: "1",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_prefer_offline: "true",
  };
  return {
    cwd: folder,
    async run(command) {
      const script = command
        .replace(TARBALL, tarball)
        .replace(/^npx convex dev$/, PUSH);
      const { code, output } = await run("sh", ["-c", `${script} && pwd`], {
        cwd: this.cwd,
        env,
      });
      assert.equal(code, 0, `${SOURCE}: ${command}\n${output}`);
      this.cwd = output.trim().split("\n").at(-1);
    },
  };
}

async function writeBlock(app, block) {
  const file = fileOf(block);
  assert(file, `${SOURCE}:${block.line} isn't a file`);
  await mkdir(path.dirname(path.join(app, file)), { recursive: true });
  await writeFile(path.join(app, file), block.code);
}

async function checkResult(deployment) {
  const expected = ["Ada", "Joe"].flatMap((name) => [
    `Welcome, ${name}!`,
    "All well?",
  ]);
  const runs = () => deployment.rows("workflows", "workflow");
  const isOver = async () =>
    (await runs()).every(({ runResult }) => runResult !== undefined);
  const deadline = Date.now() + MAX_WAIT_MS;
  while (!(await isOver()) && Date.now() < deadline) await wait(100);
  assert.deepEqual(
    (await runs()).map(({ runResult }) => runResult?.returnValue),
    ["ada@example.com", "joe@example.com"],
  );
  const sent = await deployment.rows("emails");
  assert.deepEqual(sent.map(({ text }) => text).sort(), expected.sort());
}
