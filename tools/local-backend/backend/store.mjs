// @ts-check
/**
 * Keeps the tables in convex-test's in-memory database. It uses convex-test's
 * transactions, including nested ones, queries, indexes, document validation, and
 * read and write limits, but nothing else.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { convexTest } from "convex-test";
import { TransactionMetricsTracker } from "convex-test/dist/transactionMetrics.js";
import { DeploymentClosed } from "./errors.mjs";
import { copyDocuments, insertDocuments, readTable } from "./storeCopy.mjs";
import { noteTouch } from "./touched.mjs";

/** @import { Touched } from "./touched.mjs" */

/**
 * The database operations within a transaction, in the form of the syscalls of
 * Convex's client code.
 *
 * @typedef {object} StoreTransaction
 * @property {(name: string, args: object) => any} syscall
 * @property {(name: string, args: object) => Promise<any>} asyncSyscall
 * @property {(name: string, argsJson: string) => Promise<string>} pass the same as JSON
 * @property {(kind: NestedKind, componentPath: string, limits: object | undefined, body: TransactionBody) => Promise<void>} nested
 *   undoes the writes of `body` if it throws
 * @property {Usage} usage
 */

/**
 * Counts usage towards a transaction's limits, in addition to reads and writes.
 *
 * @typedef {object} Usage
 * @property {() => number} bytesWritten
 * @property {(count: number) => void} readRanges throws if the limit is exceeded
 * @property {(argsBytes: number) => void} scheduleJob throws if the limit is exceeded
 * @property {<T>(work: () => Promise<T>) => Promise<T>} uncounted runs the platform's own reads and writes
 */

/** @typedef {"query" | "mutation" | "snapshotQuery"} NestedKind */
/** @typedef {(transaction: StoreTransaction) => Promise<void>} TransactionBody */
/** @typedef {{ tableName: string, indexes: object[], documentType: object | null }} TableJson */
/** @typedef {{ schemaValidation: boolean, tables: TableJson[] }} SchemaJson */
/** @typedef {Map<string, SchemaJson | null>} Schemas by component path */

/**
 * @typedef {object} Database
 * @property {any} test convex-test's backend
 * @property {Map<string, Set<string>>} tables by component path, declared or not
 */

/**
 * The work of the function that convex-test calls.
 *
 * @typedef {object} Execution
 * @property {Database} database
 * @property {NestedKind} kind
 * @property {string} componentPath
 * @property {() => number} now
 * @property {Touched} [touched] collects the touched tables, if needed
 * @property {TransactionBody} body
 * @property {object} [limits]
 * @property {any} [tracker] convex-test's tracker of the transaction's usage
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

/** convex-test's clock, which shows the time of the transaction that it executes. */
class StoreDate extends RealDate {
  /** @override */
  static now() {
    return running.getStore()?.now() ?? RealDate.now();
  }
}

/** The modules that convex-test sees in every component. */
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
      // Only this call sees it, because convex-test gives each call its own globals.
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
  /** The async context outside any transaction. */
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
   * Runs a top-level transaction, one at a time. It is rolled back if `body`
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
   * Returns all documents of a table, in order of creation.
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
   * Inserts documents without a function. A document may have a `_creationTime`.
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
   * Returns the names of a component's tables, declared or not.
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
   * Keeps all documents. Throws without any change if one doesn't match its new
   * schema. Components that are no longer mounted also keep their documents.
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

  /** Waits for the current transaction. No other may follow. */
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
 * Returns the same as `defineSchema`.
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
