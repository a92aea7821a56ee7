import { requireAdmin } from "./authorization.mjs";

/** How many lines are kept for `npx convex logs --history`. */
const KEPT_LINES = 1000;

/** How long a request for lines stays open before the CLI asks again. */
const POLL_MS = 20_000;

/**
 * Serves the functions' logs to the CLI. Each request states how far the previous one read, and gets its reply when
 * there is more.
 */
export class LogStream {
  /** @type {{ cursor: number, entry: object }[]} */
  #lines = [];
  #cursor = Date.now();
  #waiting = new Set();
  #deployment;

  /** @param {Pick<import("../backend/types.mjs").Deployment, "functionsSpec">} deployment */
  constructor(deployment) {
    this.#deployment = deployment;
  }

  /** @param {import("../backend/types.mjs").LogLine} line */
  add(line) {
    // The cursor follows the clock, so that it stays valid after the server restarts.
    this.#cursor = Math.max(this.#cursor + 1, Date.now());
    this.#lines.push({ cursor: this.#cursor, entry: this.#entryOf(line) });
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const answer of [...this.#waiting]) answer();
  }

  routes() {
    return {
      "GET /api/stream_function_logs": async ({ caller, url }) => {
        requireAdmin(caller);
        return {
          body: await this.#after(Number(url.searchParams.get("cursor"))),
        };
      },
    };
  }

  /** Answers all requests that wait. */
  close() {
    for (const answer of [...this.#waiting]) answer();
  }

  async #after(cursor) {
    // A new reader with cursor 0 gets the current position at once.
    if (cursor !== 0 && cursor >= this.#cursor) await this.#nextLine();
    const entries = this.#lines
      .filter((line) => line.cursor > cursor)
      .map(({ entry }) => entry);
    return { entries, newCursor: this.#cursor };
  }

  #nextLine() {
    return new Promise((resolve) => {
      const answer = () => {
        clearTimeout(timeout);
        this.#waiting.delete(answer);
        resolve();
      };
      const timeout = setTimeout(answer, POLL_MS);
      this.#waiting.add(answer);
    });
  }

  #entryOf({ time, level, componentPath, function: path, message, requestId }) {
    return {
      kind: "Progress",
      udfType: this.#typeOf(componentPath, path),
      componentPath: componentPath || null,
      identifier: path,
      timestamp: time / 1000,
      logLines: [
        { messages: [message], level, timestamp: time, isTruncated: false },
      ],
      requestId,
      executionId: requestId,
    };
  }

  #typeOf(componentPath, path) {
    const identifiers = [path, path.replace(":", ".js:")];
    const spec = this.#deployment
      .functionsSpec(componentPath)
      .find(({ identifier }) => identifiers.includes(identifier));
    return spec?.functionType ?? "Action";
  }
}
