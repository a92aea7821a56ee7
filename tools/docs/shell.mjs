/**
 * Checks that the gate runs every command in a document, or that a reason is given. Calls of the document's
 * own app, `npx convex run file:name '{…}'`, are executed with it.
 */
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../paths.mjs";
import { COMMANDS } from "./commands.mjs";

const RUN =
  /^npx convex run (?:--component (\w+) )?([\w/]+:\w+)(?: '([^']*)')?$/;

/** Returns a block's commands, without comments and with continuations joined. */
export function commandsOf({ code, line }) {
  const commands = [];
  let pending = "";
  for (const [at, text] of code.split("\n").entries()) {
    const bare = text.replace(/(^|\s)# .*$/, "").trim();
    if (bare.endsWith("\\")) {
      pending += `${bare.slice(0, -1).trim()} `;
      continue;
    }
    const whole = pending + bare;
    pending = "";
    if (whole !== "") commands.push({ command: whole, line: line + at });
  }
  return commands;
}

export async function checkCommands(documents, problems) {
  const used = new Set();
  const complain = (place, command) =>
    problems.add(place, `not in tools/docs/commands.mjs: ${command}`);
  for (const { blocks, names } of documents) {
    for (const { name, ...place } of names) {
      if (!/^(npm|npx|node) /.test(name)) continue;
      if (COMMANDS[name]) used.add(name);
      else complain(place, name);
    }
    for (const block of blocks) {
      if (block.lang === "bash" || block.lang === "shell")
        problems.add(block, "mark commands as sh");
      if (block.lang !== "sh") continue;
      for (const { command, line } of commandsOf(block)) {
        if (RUN.test(command) && !isElsewhere(block)) continue;
        const entry = COMMANDS[command];
        if (entry) used.add(command);
        else complain({ ...block, line }, command);
      }
    }
  }
  for (const [command, entry] of Object.entries(COMMANDS)) {
    const place = { source: "tools/docs/commands.mjs" };
    if (!used.has(command))
      problems.add(place, `no document shows: ${command}`);
    await checkEntry(command, entry, (message) => problems.add(place, message));
  }
}

async function checkEntry(command, { runBy, proof, whyNot }, complain) {
  if ((runBy === undefined) === (whyNot === undefined))
    complain(`say either what runs it or why nothing does: ${command}`);
  if (runBy === undefined) return;
  const file = path.join(ROOT, runBy);
  try {
    await access(file);
  } catch {
    complain(`no such file: ${runBy}`);
    return;
  }
  if (!(await readFile(file, "utf8")).includes(proof))
    complain(`${runBy} does not have ${JSON.stringify(proof)}: ${command}`);
}

/** Whether a block calls another app. Blocks marked `example` call this repository's example. */
const isElsewhere = ({ flags }) => flags.includes("example");

/** Returns a test that executes a block's calls in order, with the document's app. */
export function shellTest(block) {
  if (isElsewhere(block)) return [];
  const runs = commandsOf(block)
    .map(({ command }) => RUN.exec(command))
    .filter((match) => match !== null);
  if (runs.length === 0) return [];
  const lines = runs.map(
    ([, component = "", path, json = "{}"]) =>
      `  await session.run("${component}", "${path}", ${JSON.stringify(json)});`,
  );
  return [
    [
      `test(${JSON.stringify(`${block.source}:${block.line} npx convex run`)}, async () => {`,
      "  const session = newSession(modules);",
      ...lines,
      "});",
    ].join("\n"),
  ];
}
