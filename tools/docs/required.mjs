/**
 * Lists the sections, by document and heading, that need an executed example. This is a block with a
 * conversation, a test file or a command that is run.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { EXAMPLE } from "../paths.mjs";
import { fileOf, isTypeScript } from "./assemble.mjs";
import { transcriptOf } from "./transcript.mjs";

export const EXECUTED = {
  "README.md": [
    "One example",
    "Steps in parallel, races and children",
    "Events and status",
    "Retries, `onComplete`, restart and cleanup",
    "Tests",
  ],
  "_autodocs/GUIDE.md": [
    "Start a run",
    "Act when a run ends",
    "Retry an action",
    "Run steps in parallel",
    "Sleep",
    "Wait for an event",
    "Call a workflow from a workflow",
    "Run short steps inline",
    "Name and delay steps",
    "Watch a run",
    "Cancel a run",
    "Restart a run",
    "Clean up",
    "List runs and steps",
    "Test a workflow",
  ],
  "_autodocs/RECIPES.md": [
    "Show a run in React",
    "Clean up with a cron",
    "Start a run at most once",
    "Run an action for more than ten minutes",
    "Use environment variables",
  ],
  "_autodocs/EVOLVING.md": [
    "Put a change behind a patch",
    "Replay yesterday's runs in CI",
  ],
  "_autodocs/SECURITY.md": [
    "A workflow is an internal function",
    "Identity in steps",
  ],
  "_autodocs/CONSOLE.md": ["Install"],
  "_autodocs/SWITCHING.md": ["Going back"],
  "_autodocs/QUICKSTART.md": "all",
  "_autodocs/api-reference/Testing.md": "all",
};

const isTest = (file) => file?.endsWith(".test.ts");

export const isExecuted = (block) =>
  isTypeScript(block) &&
  (isTest(fileOf(block)) || transcriptOf(block.code).length > 0);

export function checkExecuted(documents, problems, required = EXECUTED) {
  for (const [source, sections] of Object.entries(required)) {
    const document = documents.find((each) => each.source === source);
    if (!document) {
      problems.add({ source }, "this document is missing");
      continue;
    }
    const executed = document.blocks.filter(isExecuted);
    if (sections === "all") {
      const files = document.blocks.filter(
        (block) => isTypeScript(block) && fileOf(block),
      );
      if (executed.length === 0)
        problems.add({ source }, "nothing in it is executed");
      for (const block of document.blocks.filter(isTypeScript))
        if (
          !files.includes(block) &&
          // A `same` block repeats a declaration, which is compared with the package's.
          !["setup", "same"].some((flag) => block.flags.includes(flag))
        )
          problems.add(block, "every block here must be a file of the app");
    } else
      for (const section of sections)
        if (!executed.some(({ heading }) => heading === section))
          problems.add({ source }, `no example is executed in "${section}"`);
  }
}

/** A block marked `example` must equal a file of the example, whose own tests run it. */
export async function checkExampleFiles(documents, problems) {
  for (const { blocks } of documents)
    for (const block of blocks) {
      if (!block.flags.includes("example") || !isTypeScript(block)) continue;
      const file = fileOf(block);
      const text = await readFile(path.join(EXAMPLE, file), "utf8");
      // The file may begin with a comment that names the document.
      const shown = block.code.split("\n").slice(1).join("\n");
      if (text.replace(/^\/\/ .*\n/, "").trim() !== withoutTranscript(shown))
        problems.add(block, `it is not what example/${file} holds`);
    }
}

const withoutTranscript = (code) =>
  code.replace(/\n\/\/ > [\s\S]*$/, "").trim();
