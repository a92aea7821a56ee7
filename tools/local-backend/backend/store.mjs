// @ts-check
/**
 * The tables, kept in convex-test's in-memory database: its transactions, nested
 * ones included, its queries and indexes, its validation of documents and its
 * read and write limits. Nothing else of convex-test's is used.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { convexTest } from "convex-test";
import { TransactionMetricsTracker } from "convex-test/dist/transactionMetrics.js";
import { DeploymentClosed } from "./errors.mjs";
import { copyDocuments, insertDocuments, readTable } from "./storeCopy.mjs";
import { noteTouch } from "./touched.mjs";

/** @import { Touched } from "./touched.mjs" */

/**
 * What may be asked of the database within a transaction, in the terms in which
 * Convex's own client code asks it.
 *
 * @typedef {object} StoreTransaction
 * @property {(name: string, args: object) => any} syscall
 * @property {(name: string, args: object) => Promise<any>} asyncSyscall
 * @property {(name: string, argsJson: string) => Promise<string>} pass the same, as JSON
 * @property {(kind: NestedKind, componentPath: string, limits: object | undefined, body: TransactionBody) => Promise<void>} nested
 *   undoes what `body` has written if it throws
 * @property {Usage} usage
 */

/**
 * What counts towards the limits of a transaction, beside what is read and written.
 *
 * @typedef {object} Usage
 * @property {() => number} bytesWritten
 * @property {(count: number) => void} readRanges throws if these are too many
 * @property {(argsBytes: number) => void} scheduleJob throws if this is too much
 * @property {<T>(work: () => Promise<T>) => Promise<T>} uncounted what it reads and writes is the platform's own
 */

/** @typedef {"query" | "mutation" | "snapshotQuery"} NestedKind */
/** @typedef {(transaction: StoreTransaction) => Promise<void>} TransactionBody */
/** @typedef {{ tableName: string, indexes: object[], documentType: object | null }} TableJson */
/** @typedef {{ schemaValidation: boolean, tables: TableJson[] }} SchemaJson */
/** @typedef {Map<string, SchemaJson | null>} Schemas by component path */

/**
 * @typedef {object} Database
 * @property {any} test convex-test's own
 * @property {Map<string, Set<string>>} tables by component path; declared or not
 */

/**
 * What the function that convex-test calls is to do.
 *
 * @typedef {object} Execution
 * @property {Database} database
 * @property {NestedKind} kind
 * @property {string} componentPath
 * @property {() => number} now
 * @property {Touched} [touched] where it is noted, if anybody wants to know
 * @property {TransactionBody} body
 * @property {object} [limits]
 * @property {any} [tracker] convex-test's, of what the transaction uses
 */

/** @type {AsyncLocalStorage<Execution>} */
const running = new AsyncLocalStorage();

/** The only way to get a transaction's tracker, because convex-test doesn't expose it. */
const { startTransaction } = TransactionMetricsTracker.prototype;
TransactionMetricsTracker.prototype.startTransaction = function (
  /** @type {Parameters<typeof startTransaction>[0]} */ limits,
) {
  const execution = running.getStore();
  if (execution) execution.tracker = this;
  startTransaction.call(this, limits);
};

const RealDate = Date;

/** convex-test's clock: that of the transaction it executes. */
class StoreDate extends RealDate {
  /** @override */
  static now() {
    return running.getStore()?.now() ?? RealDate.now();
  }
}

/** The modules of every component, as far as convex-test knows. */
const MODULES = {
  "/host/_generated/api.js": async () => ({}),
  "/host/run.js": async () => ({
    query: hostFunction("isQuery"),
    mutation: hostFunction("isMutation"),
  }),
};

/** @param {"isQuery" | "isMutation"} kind */
function hostFunction(kind) {
  return {
    [kind]: true,
    exportArgs: () => '{"type":"any"}',
    exportReturns: () => "null",
    async _handler() {
      const execution = /** @type {Execution} */ (running.getStore());
      // Seen by this call only: convex-test gives each its own globals.
      globalThis.Date = /** @type {DateConstructor} */ (StoreDate);
      await execution.body(storeTransaction(execution));
      return null;
    },
  };
}

/**
 * @param {Execution} execution
 * @returns {StoreTransaction}
 */
function storeTransaction({ database, componentPath, now, touched, tracker }) {
  const within = AsyncLocalStorage.snapshot();
  const { Convex } = /** @type {any} */ (globalThis);
  const note = (/** @type {string} */ name, /** @type {any} */ args) => {
    if (touched) noteTouch(touched, componentPath, name, args);
    if (name === "1.0/insert")
      database.tables.get(componentPath)?.add(args.table);
  };
  const pass = (/** @type {string} */ name, /** @type {string} */ argsJson) => {
    note(name, JSON.parse(argsJson));
    return within(() => Convex.asyncSyscall(name, argsJson));
  };
  return {
    syscall(name, args) {
      note(name, args);
      return JSON.parse(
        within(() => Convex.syscall(name, JSON.stringify(args))),
      );
    },
    asyncSyscall: async (name, args) =>
      JSON.parse(await pass(name, JSON.stringify(args))),
    pass,
    nested: (kind, componentPath, limits, body) =>
      within(() =>
        execute({ database, kind, componentPath, now, touched, body, limits }),
      ),
    usage: usageOf(tracker),
  };
}

/**
 * @param {any} tracker
 * @returns {Usage}
 */
function usageOf(tracker) {
  return {
    bytesWritten: () => tracker.getTransactionMetrics().bytesWritten.used,
    readRanges(count) {
      for (let i = 0; i < count; i++) tracker.trackIndexRange();
    },
    scheduleJob: (argsBytes) => tracker.trackScheduledFunction(argsBytes),
    async uncounted(work) {
      const layer = tracker._current();
      const { metrics, enforce } = layer;
      Object.assign(layer, { metrics: { ...metrics }, enforce: false });
      try {
        return await work();
      } finally {
        Object.assign(layer, { metrics, enforce });
      }
    },
  };
}

/** @param {Execution} execution */
async function execute(execution) {
  const { database, kind, componentPath, limits } = execution;
  const udfPath = kind === "mutation" ? "run:mutation" : "run:query";
  await running.run(execution, () =>
    database.test[`${kind}FromPath`]({ componentPath, udfPath }, {}, limits),
  );
}

export class Store {
  /** Where no transaction's own context is inherited from. */
  #outside = AsyncLocalStorage.snapshot();
  #database;
  #schemas;
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();
  #isClosed = false;

  /** @param {Schemas} schemas with the app's, whose path is empty */
  constructor(schemas) {
    this.#schemas = schemas;
    this.#database = createDatabase(schemas);
  }

  /**
   * A top-level transaction; they run one after the other. Rolled back if `body`
   * throws.
   *
   * @param {Omit<Execution, "database">} execution
   * @returns {Promise<void>}
   */
  transaction(execution) {
    return this.#inTurn(() =>
      execute({ database: this.#database, ...execution }),
    );
  }

  /**
   * All documents of a table, in the order in which they were created.
   *
   * @param {string} componentPath
   * @param {string} table
   */
  rows(componentPath, table) {
    return this.#inTurn(() =>
      readTable(table, executor(this.#database, "query", componentPath)),
    );
  }

  /**
   * Inserts documents as they are, without any function. One may have a `_creationTime`.
   *
   * @param {string} componentPath
   * @param {string} table
   * @param {({ _creationTime?: number } & Record<string, unknown>)[]} documents as JSON
   * @returns {Promise<string[]>} their ids
   */
  insert(componentPath, table, documents) {
    return this.#inTurn(() =>
      insertDocuments(
        table,
        documents,
        executor(this.#database, "mutation", componentPath),
      ),
    );
  }

  /**
   * The names of a component's tables, declared or not.
   *
   * @param {string} componentPath
   */
  tables(componentPath) {
    const declared = this.#schemas.get(componentPath)?.tables ?? [];
    const used = this.#database.tables.get(componentPath) ?? [];
    const names = [...declared.map(({ tableName }) => tableName), ...used];
    return [...new Set(names)].sort();
  }

  /**
   * Keeps all documents; throws, and changes nothing, if one does not match its
   * new schema. Components that are not mounted any more keep theirs too.
   *
   * @param {Schemas} schemas
   */
  changeSchemas(schemas) {
    return this.#inTurn(async () => {
      const all = new Map([...this.#schemas, ...schemas]);
      if (JSON.stringify([...all]) === JSON.stringify([...this.#schemas]))
        return;
      const database = createDatabase(all);
      for (const [componentPath, tables] of this.#database.tables)
        await copyDocuments(
          tables,
          executor(this.#database, "query", componentPath),
          executor(database, "mutation", componentPath),
        );
      this.#database = database;
      this.#schemas = all;
    });
  }

  /** Waits for the transaction that is going on; there will be no other. */
  async close() {
    this.#isClosed = true;
    await this.#last;
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #inTurn(work) {
    return this.#outside(() => {
      const result = this.#last.then(() => {
        if (this.#isClosed)
          throw new DeploymentClosed("The deployment is closed");
        return work();
      });
      this.#last = result.catch(() => {});
      return result;
    });
  }
}

/**
 * @param {Database} database
 * @param {NestedKind} kind
 * @param {string} componentPath
 * @returns {(now: () => number, body: TransactionBody) => Promise<void>}
 */
function executor(database, kind, componentPath) {
  return (now, body) => execute({ database, kind, componentPath, now, body });
}

/**
 * @param {Schemas} schemas
 * @returns {Database}
 */
function createDatabase(schemas) {
  const test = /** @type {any} */ (
    convexTest({
      schema: asDefinition(schemas.get("") ?? null) ?? undefined,
      modules: MODULES,
      transactionLimits: true,
    })
  );
  for (const [componentPath, schema] of schemas)
    if (componentPath !== "")
      test.registerComponent(componentPath, asDefinition(schema), MODULES);
  const tables = [...schemas.keys()].map(
    (path) => /** @type {[string, Set<string>]} */ ([path, new Set()]),
  );
  return { test, tables: new Map(tables) };
}

/**
 * What `defineSchema` would have returned.
 *
 * @param {SchemaJson | null} schema
 * @returns {any}
 */
function asDefinition(schema) {
  if (schema === null) return null;
  const tables = schema.tables.map((table) => [
    table.tableName,
    { export: () => table },
  ]);
  return {
    schemaValidation: schema.schemaValidation,
    tables: Object.fromEntries(tables),
  };
}
