import { ANYONE, authenticate } from "./authorization.mjs";
import { encodeTimestamp } from "./clock.mjs";
import { coalesce } from "./coalesce.mjs";
import { describeFailure } from "./functionCalls.mjs";
import { WatchedQuery } from "./watchedQuery.mjs";

/** How often queries run again because data changed while they ran. */
const MAX_ATTEMPTS_AT_ONE_MOMENT = 3;

/**
 * One client's connection in the sync protocol: its queries, its calls and its identity. `browser/sync/protocol.ts`
 * of the `convex` package defines the messages. A message takes effect at once, before the next message. Results
 * follow in a transition of all queries from one version to the next.
 */
export class SyncSession {
  #connection;
  #sessionId;
  /** @type {import("./authorization.mjs").Caller} */
  #caller = ANYONE;
  /** The queries that the client watches, by query id. @type {Map<number, WatchedQuery>} */
  #queries = new Map();
  #removedQueries = [];
  /** The client's version. */
  #version = { querySet: 0, identity: 0, ts: 0n };
  /** The version that the client asked for. */
  #target = { querySet: 0, identity: 0, ts: 0n };
  #lastMutation = Promise.resolve();
  /** Sends transitions until the client has the version that it asked for. */
  #update = coalesce(() => this.#transition());

  /**
   * @param {object} connection
   * @param {(message: object) => void} connection.send
   * @param {(reason: string) => void} connection.fail closes it
   * @param {(call: import("./functionCalls.mjs").FunctionCall) => Promise<any>} connection.call
   * @param {import("./clock.mjs").Clock} connection.clock
   * @param {string} connection.adminKey
   * @param {import("./mutationMemory.mjs").MutationMemory} connection.mutations
   */
  constructor(connection) {
    this.#connection = connection;
  }

  receive(message) {
    switch (message.type) {
      case "Connect":
        this.#sessionId = message.sessionId;
        return;
      case "Authenticate":
        return this.#authenticate(message);
      case "ModifyQuerySet":
        return this.#modifyQuerySet(message);
      case "Mutation":
        return this.#mutate(message);
      case "Action":
        return void this.#act(message);
      case "Event":
        // Deployments use these events only for statistics.
        return;
      default:
        throw new Error(`Unknown message type ${message.type}`);
    }
  }

  /** @param {import("../backend/types.mjs").TableSet} [writes] without them, anything may have changed */
  dataChanged(writes) {
    for (const query of this.#queries.values()) query.dataChanged(writes);
    this.#startUpdate();
  }

  #startUpdate() {
    this.#update().catch((error) => {
      console.error(error);
      this.#connection.fail("InternalServerError");
    });
  }

  #authenticate(message) {
    requireVersion("identity", message.baseVersion, this.#target.identity);
    try {
      this.#caller = authenticate(message, this.#connection.adminKey);
    } catch (error) {
      return this.#connection.send({
        type: "AuthError",
        error: error.message,
        baseVersion: message.baseVersion,
        authUpdateAttempted: true,
      });
    }
    this.#target.identity = message.baseVersion + 1;
    this.dataChanged();
  }

  #modifyQuerySet({ baseVersion, newVersion, modifications }) {
    requireVersion("query set", baseVersion, this.#target.querySet);
    for (const modification of modifications) {
      const { type, queryId, udfPath, componentPath, args } = modification;
      if (type === "Add") {
        const query = { path: udfPath, componentPath, args };
        this.#queries.set(queryId, new WatchedQuery(query));
      } else {
        this.#queries.delete(queryId);
        this.#removedQueries.push(queryId);
      }
    }
    this.#target.querySet = newVersion;
    this.#startUpdate();
  }

  /** Runs mutations one after another, in the order of the client's calls. */
  #mutate(message) {
    const caller = this.#caller;
    this.#lastMutation = this.#lastMutation.then(async () => {
      // A client that reconnects repeats its unanswered requests.
      const { result, ts } = await this.#connection.mutations.once(
        `${this.#sessionId}:${message.requestId}`,
        async () => ({
          result: await this.#call("mutation", message, caller),
          ts: this.#connection.clock.tick(),
        }),
      );
      this.#respond("MutationResponse", message, result, ts);
      // The client considers the mutation done when it sees data of that time.
      if (this.#target.ts < ts) this.#target.ts = ts;
      this.#startUpdate();
    });
  }

  async #act(message) {
    const result = await this.#call("action", message, this.#caller);
    this.#respond("ActionResponse", message, result);
  }

  #call(kind, { udfPath, componentPath, args }, caller) {
    return this.#connection.call({
      kind,
      path: udfPath,
      componentPath,
      args,
      caller,
    });
  }

  #respond(type, { requestId }, result, ts) {
    const success = result.status === "success";
    this.#connection.send({
      type,
      requestId,
      success,
      result: success ? result.value : describeFailure(result),
      errorData: result.errorData,
      logLines: result.logLines,
      ...(success && ts !== undefined && { ts: encodeTimestamp(ts) }),
    });
  }

  async #transition() {
    const { querySet, identity, ts: awaited } = this.#target;
    const removed = this.#removedQueries.splice(0);
    const { results, ts } = await this.#resultsAtOneMoment();
    const modifications = [
      ...removed.map((queryId) => ({ type: "QueryRemoved", queryId })),
      ...results.flatMap(([queryId, query, result]) =>
        query.modifications(queryId, result),
      ),
    ];
    const isNeeded =
      modifications.length > 0 ||
      querySet !== this.#version.querySet ||
      identity !== this.#version.identity ||
      awaited > this.#version.ts;
    if (!isNeeded) return;
    const startVersion = this.#version;
    this.#version = { querySet, identity, ts };
    this.#connection.send({
      type: "Transition",
      startVersion: encodeVersion(startVersion),
      endVersion: encodeVersion(this.#version),
      modifications,
    });
  }

  /**
   * Runs all queries whose results may have changed. Returns these results with a timestamp
   * that is no later than any query's result.
   */
  async #resultsAtOneMoment() {
    const { clock, call } = this.#connection;
    const watched = [...this.#queries];
    const results = new Map();
    let ts = clock.latest;
    // If data changes all the time, the client's results may be inconsistent.
    for (let attempt = 1; attempt <= MAX_ATTEMPTS_AT_ONE_MOMENT; attempt++) {
      ts = clock.latest;
      const stale = watched.filter(([, query]) => query.isStale);
      if (stale.length === 0) break;
      await Promise.all(
        stale.map(async ([queryId, query]) => {
          const result = await query.run(call, this.#caller);
          results.set(queryId, [queryId, query, result]);
        }),
      );
    }
    return { results: [...results.values()], ts };
  }
}

function requireVersion(what, actual, expected) {
  if (actual === expected) return;
  throw new Error(
    `The client is at ${what} version ${actual}, the server at ${expected}`,
  );
}

function encodeVersion({ querySet, identity, ts }) {
  return { querySet, identity, ts: encodeTimestamp(ts) };
}
