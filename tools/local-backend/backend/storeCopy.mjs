// @ts-check
/**
 * Copies all documents of a component from one convex-test database to another
 * with their ids and creation times, although convex-test assigns those. Ids count
 * up within a component, so it inserts documents in that order. For each unused id
 * it inserts a document and deletes it.
 */

/** @import { StoreTransaction, TransactionBody } from "./store.mjs" */
/** @typedef {(now: () => number, body: TransactionBody) => Promise<void>} Execute */
/** @typedef {{ _id: string, _creationTime: number }} Document as JSON */

/** Well within the limits of one transaction. */
const BATCH_DOCUMENTS = 4000;
const BATCH_BYTES = 4 << 20;

/** The id number of a component's first document. */
const FIRST_NUMBER = 10_000;
/** For documents that only use up an id. */
const NO_TABLE = "unused";

/**
 * @param {Iterable<string>} tables
 * @param {Execute} from executes queries
 * @param {Execute} to executes mutations
 */
export async function copyDocuments(tables, from, to) {
  /** @type {{ table: string, document: Document, number: number }[]} */
  const documents = [];
  for (const table of tables)
    for (const document of await readTable(table, from))
      documents.push({ table, document, number: numberOf(document._id) });
  documents.sort((a, b) => a.number - b.number);

  let next = FIRST_NUMBER;
  let index = 0;
  while (index < documents.length) {
    let now = 0;
    await to(
      () => now,
      async (store) => {
        let bytes = 0;
        for (let i = 0; i < BATCH_DOCUMENTS && bytes < BATCH_BYTES; i++) {
          const entry = documents[index];
          if (entry === undefined) return;
          if (next++ < entry.number) {
            await useUpId(store);
            continue;
          }
          const { _id, _creationTime, ...value } = entry.document;
          now = _creationTime;
          await insert(store, entry.table, value, _id);
          bytes += JSON.stringify(value).length;
          index++;
        }
      },
    );
  }
}

/**
 * @param {string} table
 * @param {({ _creationTime?: number } & Record<string, unknown>)[]} documents
 * @param {Execute} to executes mutations
 */
export async function insertDocuments(table, documents, to) {
  // A transaction's time must equal the creation time of the documents that it inserts.
  const today = Date.now();
  /** @type {string[]} */
  const ids = [];
  while (ids.length < documents.length) {
    let now = 0;
    await to(
      () => now,
      async (store) => {
        let bytes = 0;
        for (let i = 0; i < BATCH_DOCUMENTS && bytes < BATCH_BYTES; i++) {
          const document = documents[ids.length];
          if (document === undefined) return;
          const { _creationTime = today, ...value } = document;
          now = _creationTime;
          const args = { table, value };
          const { _id } = await store.asyncSyscall("1.0/insert", args);
          ids.push(_id);
          bytes += JSON.stringify(value).length;
        }
      },
    );
  }
  return ids;
}

/**
 * @param {StoreTransaction} store
 * @param {string} table
 * @param {object} value
 * @param {string} id that it has to get
 */
async function insert(store, table, value, id) {
  const args = { table, value };
  const inserted = await store
    .asyncSyscall("1.0/insert", args)
    .catch((/** @type {Error} */ { message }) => {
      throw new Error(
        `Schema validation failed.\nDocument with ID "${id}" in table "${table}" does not match the schema: ${message}`,
      );
    });
  if (inserted._id !== id)
    throw new Error(`Copying ${id} has made it ${inserted._id}`);
}

/** @param {StoreTransaction} store */
async function useUpId(store) {
  const args = { table: NO_TABLE, value: {} };
  const { _id: id } = await store.asyncSyscall("1.0/insert", args);
  await store.asyncSyscall("1.0/remove", { id });
}

/**
 * Returns all documents of a table, in order of creation.
 *
 * @param {string} tableName
 * @param {Execute} execute
 */
export async function readTable(tableName, execute) {
  /** @type {Document[]} */
  const documents = [];
  const source = { type: "FullTableScan", tableName, order: "asc" };
  /** @type {string | null} */
  let cursor = null;
  let isDone = false;
  while (!isDone) {
    await execute(
      () => 0,
      async (store) => {
        const result = await store.asyncSyscall("1.0/queryPage", {
          query: { source, operators: [] },
          cursor,
          endCursor: null,
          pageSize: BATCH_DOCUMENTS,
          maximumBytesRead: BATCH_BYTES,
        });
        documents.push(...result.page);
        isDone = result.isDone;
        cursor = result.continueCursor;
      },
    );
  }
  return documents;
}

/** @param {string} id */
function numberOf(id) {
  return Number(/^[0-9]+/.exec(id)?.[0]);
}
