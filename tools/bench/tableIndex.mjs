/**
 * A Vite plugin by which convex-test knows the documents of each table. As it is, each of its queries looks
 * at the ids of all documents, also those of jobs long done: that would be most of what long runs take.
 * What queries give stays the same. Fails if convex-test is no longer as this expects it.
 */
export const tableIndex = {
  name: "bench:table-index",
  enforce: "pre",
  transform(code, id) {
    if (!/convex-test\/dist\/index\.js(\?|$)/.test(id)) return undefined;
    return { code: EDITS.reduce(edited, code), map: null };
  },
};

const IDS = "(this._idsByTable ??= {})";

const EDITS = [
  {
    find: "const ids = new Set(Object.keys(this._documents).filter(isInTable));",
    replace: `const ids = new Set(${IDS}[tableName]);`,
  },
  {
    find: "delete this._documents[_id];",
    replace: `delete this._documents[_id];
      ${IDS}[tableNameFromId(_id)]?.delete(_id);`,
  },
  {
    find: "commitTs === null ? write : resolveCommittedValues(write, commitTs);",
    replace: `commitTs === null ? write : resolveCommittedValues(write, commitTs);
      (${IDS}[tableNameFromId(_id)] ??= new Set()).add(_id);`,
  },
];

function edited(code, { find, replace }) {
  const parts = code.split(find);
  if (parts.length !== 2)
    throw new Error(
      `convex-test has changed: ${parts.length - 1} times, not once, it has the line\n${find}`,
    );
  return parts.join(replace);
}
