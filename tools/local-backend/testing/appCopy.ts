import {
  cp,
  mkdir,
  mkdtemp,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { EXAMPLE, ROOT } from "../../paths.mjs";

/**
 * Copies the example to a temporary folder, so that a test may push and change
 * it. The copy also has public functions such as `notes:list` and `notes:add`,
 * an HTTP action, `/notes`, and a cron job.
 */
export async function copyExample() {
  // The path must not contain symlinks, because the CLI compares real paths.
  const parent = await realpath(os.tmpdir());
  const app = await mkdtemp(path.join(parent, "workflow-example-"));
  for (const part of ["convex", "package.json"]) {
    await cp(path.join(EXAMPLE, part), path.join(app, part), {
      recursive: true,
      filter: (source) => !source.endsWith(".test.ts"),
    });
  }
  await symlink(
    path.join(ROOT, "node_modules"),
    path.join(app, "node_modules"),
  );
  await writeNotes(app, "listed");
  await writeHttp(app);
  await writeCrons(app);
  await writeNodeAction(app);
  return { app, remove: () => rm(app, { recursive: true, force: true }) };
}

/** Moves an app's functions to another folder, and sets it in convex.json. */
export async function moveFunctions(app: string, functions: string) {
  await mkdir(path.dirname(path.join(app, functions)), { recursive: true });
  await rename(path.join(app, "convex"), path.join(app, functions));
  const config = JSON.stringify({ functions });
  await writeFile(path.join(app, "convex.json"), config);
}

/** Writes functions that store notes and list them under a heading, and others that once crashed servers. */
export async function writeNotes(app: string, heading: string) {
  await writeFile(
    path.join(app, "convex/notes.ts"),
    `import { v } from "convex/values";
import { action, mutation, query } from "./_generated/server.js";

export const list = query({
  args: {},
  handler: async (ctx) => {
    const greetings = await ctx.db.query("greetings").collect();
    return ["${heading}", ...greetings.map(({ text }) => text)];
  },
});

export const add = mutation({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    console.log("adding", { text });
    await ctx.db.insert("greetings", { name: "note", text });
    return null;
  },
});

export const job = query({
  args: { errorMessage: v.optional(v.string()) },
  handler: async () => ({ status: "ok", errorMessage: null }),
});

export const loop = action({
  args: {},
  handler: async () => {
    console.log("looping");
    for (;;);
  },
});
`,
  );
}

/** Writes a workflow with a step that runs in Node. */
async function writeNodeAction(app: string) {
  await writeFile(
    path.join(app, "convex/inNode.ts"),
    `"use node";
import { createHash } from "node:crypto";
import { v } from "convex/values";
import { internalAction } from "./_generated/server.js";

export const hash = internalAction({
  args: { text: v.string() },
  handler: async (_ctx, { text }) =>
    createHash("sha256").update(text).digest("hex"),
});
`,
  );
  await writeFile(
    path.join(app, "convex/hashing.ts"),
    `import { defineWorkflow, getStatus, start as startRun, vWorkflowId } from "@convex-dev/workflow";
import { v } from "convex/values";
import { components, internal } from "./_generated/api.js";
import { internalMutation, internalQuery } from "./_generated/server.js";

export const hashing = defineWorkflow(components.workflow, {
  args: { text: v.string() },
}).handler(
  async (step, args): Promise<string> =>
    await step.runAction(internal.inNode.hash, args),
);

export const start = internalMutation({
  args: { text: v.string() },
  handler: async (ctx, args): Promise<string> =>
    await startRun(ctx, internal.hashing.hashing, args),
});

export const status = internalQuery({
  args: { workflowId: vWorkflowId },
  handler: async (ctx, { workflowId }): Promise<unknown> =>
    await getStatus(ctx, components.workflow, workflowId),
});
`,
  );
}

async function writeCrons(app: string) {
  await writeFile(
    path.join(app, "convex/crons.ts"),
    `import { cronJobs } from "convex/server";
import { api } from "./_generated/api.js";

const crons = cronJobs();
crons.daily("note", { hourUTC: 3, minuteUTC: 0 }, api.notes.add, { text: "daily" });

export default crons;
`,
  );
}

/** Writes an HTTP action that lists the notes. */
async function writeHttp(app: string) {
  await writeFile(
    path.join(app, "convex/http.ts"),
    `import { httpRouter } from "convex/server";
import { api } from "./_generated/api.js";
import { httpAction } from "./_generated/server.js";

const http = httpRouter();

http.route({
  path: "/notes",
  method: "GET",
  handler: httpAction(async (ctx) =>
    Response.json({
      notes: await ctx.runQuery(api.notes.list, {}),
      site: process.env.CONVEX_SITE_URL,
      mood: process.env.MOOD,
    }),
  ),
});

export default http;
`,
  );
}
