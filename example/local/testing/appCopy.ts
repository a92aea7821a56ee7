import {
  cp,
  mkdtemp,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { EXAMPLE, ROOT } from "../../tools/paths.mjs";

/**
 * A copy of the example in a folder of its own, which a test may push and
 * change without a trace. It has public functions too, `notes:list` and
 * `notes:add`, and an HTTP action, `/notes`.
 */
export async function copyExample() {
  // Without symlinks, since the CLI compares real paths.
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
  return { app, remove: () => rm(app, { recursive: true, force: true }) };
}

/** Writes functions that keep notes and list them under a heading. */
export async function writeNotes(app: string, heading: string) {
  await writeFile(
    path.join(app, "convex/notes.ts"),
    `import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

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
