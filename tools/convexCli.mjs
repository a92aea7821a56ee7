/** Runs the unmodified Convex CLI without an account. */
import path from "node:path";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";

const CLI = path.join(ROOT, "node_modules/convex/bin/main.js");

/** Refuses connections, for commands that must not need a deployment. */
const NO_DEPLOYMENT = "http://127.0.0.1:9";

/**
 * @param {string[]} args
 * @param {Parameters<typeof run>[2] & { cwd: string, url?: string, adminKey?: string }} options
 */
export function runConvexCli(
  args,
  { url = NO_DEPLOYMENT, adminKey = "local", ...options },
) {
  return run(process.execPath, [CLI, ...args], {
    ...options,
    env: {
      ...process.env,
      CONVEX_SELF_HOSTED_URL: url,
      CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
      // Empty, so that no .env.local sets them.
      CONVEX_DEPLOYMENT: "",
      CONVEX_DEPLOY_KEY: "",
      // Environment variables that turn off the CLI's telemetry.
      CI: "1",
      VERCEL: "",
    },
  });
}
