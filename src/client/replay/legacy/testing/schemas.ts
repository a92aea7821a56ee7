import {
  defineTable,
  type GenericSchema,
  type SchemaDefinition,
} from "convex/server";

export type Schema = SchemaDefinition<GenericSchema, boolean>;

/** The part of a table that convex-test uses. */
interface Table {
  export(): object;
}

/**
 * A component's schema that a later deploy can replace. convex-test reads a schema once and keeps the
 * objects that its tables export, so `replace` changes the content of these objects.
 */
export class ReplaceableSchema {
  private readonly tables: Record<string, object> = {};
  readonly schema: Schema;

  constructor(current: Schema, later: Schema) {
    for (const name of [...tablesOf(current), ...tablesOf(later)])
      this.tables[name] = {};
    this.replace(current);
    this.schema = {
      schemaValidation: true,
      tables: Object.fromEntries(
        Object.entries(this.tables).map(([name, table]) => [
          name,
          { export: () => table },
        ]),
      ),
    } as unknown as Schema;
  }

  replace(schema: Schema) {
    const tables = schema.tables as unknown as Record<string, Table>;
    for (const [name, table] of Object.entries(this.tables))
      Object.assign(table, (tables[name] ?? UNKNOWN).export());
  }
}

const tablesOf = (schema: Schema) => Object.keys(schema.tables);

/** Stands for a table that the release lacks. */
const UNKNOWN = defineTable({}) as unknown as Table;
