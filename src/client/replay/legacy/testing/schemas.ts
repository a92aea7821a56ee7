import {
  defineTable,
  type GenericSchema,
  type SchemaDefinition,
} from "convex/server";

export type Schema = SchemaDefinition<GenericSchema, boolean>;

/** What convex-test asks of a table. */
interface Table {
  export(): object;
}

/**
 * The schema of a component that is on one release, and will be on another. convex-test reads a
 * schema once, and keeps what its tables export: here, objects whose content can be replaced.
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

/** A table that the release doesn't have. */
const UNKNOWN = defineTable({}) as unknown as Table;
