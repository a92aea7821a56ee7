import { describeFailure } from "./functionCalls.mjs";

/** @import { TableSet } from "../backend/types.mjs" */

const STACK_FRAMES = /\n *at .*/g;

/** A query that a client watches. It reruns if a table that it read was written. */
export class WatchedQuery {
  #query;
  /** @type {TableSet | undefined} the tables that the last run read, if known */
  #reads;
  /** The tables written since the last run began. @type {Set<string>} */
  #writes = new Set();
  #anythingChanged = true;
  /** The result that the client has. */
  #answer;

  /** @param {Pick<import("./functionCalls.mjs").FunctionCall, "path" | "componentPath" | "args">} query */
  constructor(query) {
    this.#query = query;
  }

  get isStale() {
    if (this.#anythingChanged) return true;
    const writes = [...this.#writes];
    return this.#reads
      ? writes.some((table) => this.#reads.has(table))
      : writes.length > 0;
  }

  /** @param {TableSet} [writes] without them, anything may have changed */
  dataChanged(writes) {
    if (!writes) this.#anythingChanged = true;
    else for (const table of writes) this.#writes.add(table);
  }

  /**
   * @param {(call: import("./functionCalls.mjs").FunctionCall) => Promise<any>} call
   * @param {import("./authorization.mjs").Caller} caller
   */
  async run(call, caller) {
    this.#anythingChanged = false;
    this.#writes = new Set();
    const { reads, ...result } = await call({
      ...this.#query,
      ...{ kind: "query", caller },
    });
    this.#reads = reads;
    return result;
  }

  /**
   * Returns the modifications of a transition that send a result. They are empty if the
   * client already has it.
   */
  modifications(queryId, result) {
    const { logLines, ...outcome } = result;
    // Ignore the stack, because the same error may have another one next time.
    const errorMessage = outcome.errorMessage?.replace(STACK_FRAMES, "");
    const answer = JSON.stringify({ ...outcome, errorMessage });
    if (answer === this.#answer) return [];
    this.#answer = answer;
    const common = { queryId, logLines, journal: null };
    if (result.status === "success")
      return [{ type: "QueryUpdated", ...common, value: result.value }];
    return [
      {
        type: "QueryFailed",
        ...common,
        errorMessage: describeFailure(result),
        errorData: result.errorData,
      },
    ];
  }
}
